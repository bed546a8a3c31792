#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/image/digest.h"

namespace hoplab::image {

enum class EntryKind { file, directory, symlink, hardlink, fifo, device, other };

/// One member of a tar archive, as written there: nothing is checked or made safe yet.
struct TarEntry {
  EntryKind kind = EntryKind::other;
  std::string path;
  std::string link;      ///< Target of a symbolic or hard link.
  uint32_t mode = 0644;  ///< Permission bits with setuid, setgid and sticky.
  int64_t uid = 0;
  int64_t gid = 0;
  int64_t mtime = 0;  ///< Seconds since 1970.
  uint64_t size = 0;
  std::string capability;  ///< security.capability, raw; empty when the file has none.
};

/// Reads a tar archive (ustar, pax, GNU) from a file, plain or compressed with gzip, zstd, xz or
/// bzip2, in one pass, and hashes the uncompressed bytes: an image layer's DiffID. One thread at a
/// time. Errors name the archive and are `bad_request`.
class TarReader {
 public:
  /// `name` is for errors only. The descriptor is read from where it stands.
  static Result<TarReader> open(Fd file, std::string name);
  ~TarReader();
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;

  /// Goes to the next member; false at the end.
  Result<bool> next();
  /// The member that next() found.
  [[nodiscard]] const TarEntry& entry() const;
  /// Writes the member's content to a regular file, keeping holes; `too_large` past `limit` bytes.
  /// Returns how many bytes were written. Once per member.
  Result<uint64_t> write_content(int fd, uint64_t limit);
  /// Reads what is left (padding behind the last member counts too) and tells the hash.
  Result<Digest> finish(uint64_t limit);
  /// Uncompressed bytes read so far.
  [[nodiscard]] uint64_t bytes_read() const;

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hoplab::image
