#pragma once

#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab {

/// Makes a folder and those above it; fine when they exist.
Result<void> make_directories(const std::string& path, unsigned mode = 0755);

/// Removes `name` below the directory, whatever it is, at any depth, also folders that are closed
/// for their owner. Follows no links. Fine when it is not there.
Result<void> remove_tree(const Fd& parent, const std::string& name);

}  // namespace hoplab
