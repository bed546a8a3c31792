#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"

/// Room below a read-only /usr. Private to rootfs*.cc.
namespace hoplab::proc {

/// Where the machine's whole /usr stands in a container whose own /usr has room.
inline constexpr const char* machine_usr = "/.usr";

/// /usr as a directory of the container in which the machine's parts appear: its top level as
/// mounts, deeper directories on the way to a target as real ones filled with links to
/// machine_usr. (An overlay would be simpler, but in a user namespace it cannot copy directories
/// up that belong to the real root.)
struct UsrLayout {
  std::vector<std::string> directories;                    ///< To make, parents first.
  std::vector<std::string> binds;                          ///< Directories to mount in place.
  std::vector<std::pair<std::string, std::string>> links;  ///< Path and what it leads to.
  [[nodiscard]] bool needed() const { return !directories.empty(); }
};

struct DirectoryEntry {
  std::string name;
  bool directory = false;
};
/// Lists a directory of the machine; empty when it does not exist.
using DirectoryLister = std::function<std::vector<DirectoryEntry>(const std::string& path)>;

/// The layout that lets every target (a file or directory to be made; those outside /usr do not
/// matter) be made. Pure.
UsrLayout plan_usr(const std::vector<std::string>& targets, const DirectoryLister& list);

/// The real lister. Links count as files.
std::vector<DirectoryEntry> list_directory(const std::string& path);

}  // namespace hoplab::proc
