#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::image {

/// Writes a tar archive (pax where a name or size asks for it) to a descriptor, uncompressed, with
/// owner 0 and time 0: equal content gives equal bytes. One thread at a time. close() tells whether
/// all was written; without it the archive is incomplete.
class TarWriter {
 public:
  /// The descriptor stays the caller's.
  static Result<TarWriter> open(int fd);
  ~TarWriter();
  TarWriter(TarWriter&&) noexcept;
  TarWriter& operator=(TarWriter&&) noexcept;

  Result<void> add_directory(const std::string& path);
  Result<void> add_text(const std::string& path, std::string_view text);
  /// All of a file, from its start.
  Result<void> add_file(const std::string& path, const Fd& file);
  Result<void> close();

 private:
  struct State;
  explicit TarWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hoplab::image
