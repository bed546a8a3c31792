#pragma once

#include <map>
#include <string>

#include "runtime/base/result.h"

namespace hoplab::agent {

struct VolumeFile {
  std::string bytes;
  unsigned mode = 0644;
  bool operator==(const VolumeFile&) const = default;
};

/// What a configMap, secret, downwardAPI or projected volume holds, by path below its folder.
using VolumeFiles = std::map<std::string, VolumeFile>;

/// Shows exactly these files in the folder, laid out as kubelet does: they lie in a hidden folder
/// with a time as its name, "..data" leads there, and every name in the volume leads through
/// "..data". Renaming that one link changes them all at once, also for containers that have the
/// volume mounted. Nothing is touched when nothing changed. Paths that leave the folder are
/// `invalid`.
Result<void> publish_files(const std::string& folder, const VolumeFiles& files);

}  // namespace hoplab::agent
