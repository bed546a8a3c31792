#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/image/tar_reader.h"

namespace hoplab::image {

/// What becomes of a layer's whiteouts (".wh.NAME": the lower layers' NAME is gone; ".wh..wh..opq":
/// nothing of the lower directory shows; OCI image-spec, layer.md).
enum class Whiteouts {
  none,             ///< Ordinary files: the archive is no layer.
  overlay_trusted,  ///< overlayfs as root: a 0:0 device; xattr trusted.overlay.opaque.
  overlay_user,  ///< overlayfs in a user namespace (mounted with userxattr): user.overlay.opaque.
};

/// Against archives that would fill the disk.
struct UnpackLimits {
  uint64_t bytes = 16ULL << 30U;  ///< Of all files together.
  uint64_t entries = 1'000'000;
};

struct UnpackOptions {
  Whiteouts whiteouts = Whiteouts::none;
  UnpackLimits limits;
};

struct UnpackReport {
  uint64_t bytes = 0;  ///< Of all files, with their holes.
  uint64_t entries = 0;
  /// What could not be made as the archive says, one line per kind: "3 device nodes left out".
  std::vector<std::string> notes;
};

/// Unpacks a tar archive into the directory `root`. Nothing outside is ever written: names with
/// ".." are refused, symbolic links on the way are followed inside `root` only, hard links may not
/// leave it, and what exists under a name is removed, never written through. Device nodes are left
/// out. Owners are set where the kernel lets us; modes, times and security.capability, too.
/// On failure `root` holds a part; remove_tree() it.
Result<UnpackReport> unpack(TarReader& archive, const Fd& root, const UnpackOptions& options);

}  // namespace hoplab::image
