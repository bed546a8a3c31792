#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::image {

/// A member's place below the archive's root: "usr/bin" and "env".
struct EntryPath {
  std::string parent;  ///< Without slashes at the ends; empty for the root.
  std::string name;    ///< Empty for the root itself.
  [[nodiscard]] std::string full() const { return parent.empty() ? name : parent + "/" + name; }
};

/// Takes "./", "//" and leading slashes away. `invalid` for ".." and for paths that no file system
/// can hold.
Result<EntryPath> split_entry_path(std::string_view path);

}  // namespace hoplab::image
