#include "runtime/proc/rootfs_usr.h"

#include <dirent.h>

#include <memory>
#include <set>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

/// "/usr//share/./x" -> {"usr", "share", "x"}
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

UsrLayout plan_usr(const std::vector<std::string>& targets, const DirectoryLister& list) {
  std::set<std::string> real;   // directories that must be the container's own
  std::set<std::string> taken;  // the targets: whoever makes them finds the place free
  for (const std::string& target : targets) {
    auto parts = parts_of(target);
    if (parts.size() < 2 || parts[0] != "usr") continue;
    std::string path;
    for (size_t i = 0; i + 1 < parts.size(); ++i) real.insert(path += "/" + parts[i]);
    taken.insert(path + "/" + parts.back());
  }
  UsrLayout layout;
  for (const std::string& directory : real) {  // sorted, so parents come first
    // A mount below another mount's target belongs into that one.
    bool below_target = false;
    for (const std::string& target : taken) {
      below_target = below_target || directory == target || directory.starts_with(target + "/");
    }
    if (below_target) continue;
    layout.directories.push_back(directory);
    for (const DirectoryEntry& entry : list(directory)) {
      std::string path = directory + "/" + entry.name;
      if (real.contains(path) || taken.contains(path)) continue;
      if (directory == "/usr" && entry.directory) {
        layout.binds.push_back(path);
      } else {
        layout.links.emplace_back(path, machine_usr + path.substr(4));
      }
    }
  }
  return layout;
}

std::vector<DirectoryEntry> list_directory(const std::string& path) {
  std::vector<DirectoryEntry> entries;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (!dir) return entries;
  while (dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::move(name), entry->d_type == DT_DIR});
  }
  return entries;
}

}  // namespace hoplab::proc
