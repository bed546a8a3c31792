#include "runtime/proc/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

/// A mounted hierarchy and this process's own place in it.
struct Hierarchy {
  int version = 0;
  std::string mount_point;
  std::string own;  ///< Directory of our own cgroup; below or equal to mount_point.
};

bool has_word(std::string_view text, std::string_view word, char separator) {
  for (std::string_view part : split(text, separator)) {
    if (trim(part) == word) return true;
  }
  return false;
}

/// Our path in a hierarchy from /proc/self/cgroup ("4:memory:/a/b", "0::/a"); "" when not listed.
std::string own_path(int version, std::string_view controller) {
  auto text = read_file("/proc/self/cgroup");
  if (!text) return "";
  for (std::string_view line : split(*text, '\n')) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    std::string_view controllers = line.substr(first + 1, second - first - 1);
    bool match = version == 2 ? controllers.empty() && line.substr(0, first) == "0"
                              : has_word(controllers, controller, ',');
    if (match) return std::string(line.substr(second + 1));
  }
  return "";
}

/// Places our own path below the mount point, minding that the mount may show only a part.
std::string place_below(const std::string& mount_point, std::string_view root,
                        const std::string& path) {
  std::string_view rest = path;
  if (root != "/" && rest.starts_with(root)) rest.remove_prefix(root.size());
  std::string place = mount_point + (rest == "/" ? "" : std::string(rest));
  return ::access(place.c_str(), F_OK) == 0 ? place : mount_point;
}

std::vector<Hierarchy> mounted_hierarchies(std::string_view controller) {
  std::vector<Hierarchy> found;
  auto text = read_file("/proc/self/mountinfo");
  if (!text) return found;
  for (std::string_view line : split(*text, '\n')) {
    auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    auto before = words(line.substr(0, dash));
    auto after = words(line.substr(dash + 3));
    if (before.size() < 5 || after.size() < 3) continue;
    int version = after[0] == "cgroup2" ? 2 : 1;
    if (version == 1 && (after[0] != "cgroup" || !has_word(after[2], controller, ','))) continue;
    std::string mount_point(before[4]);
    std::string own = place_below(mount_point, before[3], own_path(version, controller));
    found.push_back({version, std::move(mount_point), std::move(own)});
  }
  return found;
}

void mount_hierarchies(std::string_view controller, const std::string& scratch) {
  ::mkdir(scratch.c_str(), 0755);
  std::string unified = scratch + "/unified";
  ::mkdir(unified.c_str(), 0755);
  if (::mount("cgroup2", unified.c_str(), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) ==
      0) {
    auto offered = read_file(unified + "/cgroup.controllers");
    if (offered && has_word(*offered, controller, ' ')) return;
  }
  std::string classic = str(scratch, "/", controller);
  ::mkdir(classic.c_str(), 0755);
  // What cannot be mounted is reported by the caller as "no hierarchy".
  (void)::mount("cgroup", classic.c_str(), "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                std::string(controller).c_str());
}

void remove_tree(const std::string& directory) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir) return;
  while (dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") {
      remove_tree(str(directory, "/", name));
    }
  }
  ::rmdir(directory.c_str());
}

/// Calls `visit` with each directory where a node of ours may have put its own: from this process's
/// place up to the root of each hierarchy.
template <typename Visit>
void for_each_place(const Visit& visit) {
  for (const char* controller : {"memory", "cpu", "pids"}) {
    for (const Hierarchy& hierarchy : mounted_hierarchies(controller)) {
      std::string at = hierarchy.own;
      while (at.size() >= hierarchy.mount_point.size() && !at.empty()) {
        visit(at);
        at.resize(at.rfind('/'));
      }
    }
  }
}

/// Makes the node's directory and sees to it that its children get the controller.
std::optional<std::string> claim(const Hierarchy& hierarchy, const std::string& at,
                                 std::string_view controller, const std::string& name) {
  std::string directory = at + "/" + name;
  if (hierarchy.version == 2) {
    auto enabled = read_file(at + "/cgroup.subtree_control");
    if (!enabled || !has_word(*enabled, controller, ' ')) return std::nullopt;
  }
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return std::nullopt;
  if (hierarchy.version == 2 &&
      !write_file(directory + "/cgroup.subtree_control", str("+", controller))) {
    return std::nullopt;
  }
  return directory;
}

/// The nearest place to our own cgroup where it works: a version 2 cgroup with processes in it
/// cannot hand controllers down, its ancestors may.
std::optional<std::string> claim_somewhere(const Hierarchy& hierarchy, std::string_view controller,
                                           const std::string& name) {
  std::string at = hierarchy.own;
  for (;;) {
    if (auto directory = claim(hierarchy, at, controller, name)) return directory;
    if (at.size() <= hierarchy.mount_point.size()) return std::nullopt;
    at.resize(at.rfind('/'));
  }
}

struct Limit {
  const char* file;
  std::string value;
};

constexpr int64_t cpu_period = 100'000;

std::vector<Limit> limits_for(std::string_view controller, int version, const ResourceSpec& want) {
  if (controller == "memory" && version == 2) {
    return {{"memory.max", str(want.memory_limit_bytes)}, {"memory.swap.max", "0"}};
  }
  if (controller == "memory") return {{"memory.limit_in_bytes", str(want.memory_limit_bytes)}};
  if (controller == "pids") return {{"pids.max", str(want.pids_limit)}};
  int64_t quota = std::max<int64_t>(want.cpu_limit_millis * cpu_period / 1000, 1000);
  if (version == 2) return {{"cpu.max", str(quota, " ", cpu_period)}};
  return {{"cpu.cfs_period_us", str(cpu_period)}, {"cpu.cfs_quota_us", str(quota)}};
}

}  // namespace

CgroupControllers CgroupControllers::find(const std::string& name, const std::string& scratch) {
  remove_node_cgroups(name);
  auto look = [&](std::string_view controller) {
    Controller found;
    auto hierarchies = mounted_hierarchies(controller);
    if (std::none_of(hierarchies.begin(), hierarchies.end(),
                     [](const Hierarchy& h) { return h.version == 1; })) {
      auto offers = [&](const Hierarchy& h) {
        auto offered = read_file(h.mount_point + "/cgroup.controllers");
        return offered && has_word(*offered, controller, ' ');
      };
      if (std::none_of(hierarchies.begin(), hierarchies.end(), offers)) {
        mount_hierarchies(controller, scratch);
        hierarchies = mounted_hierarchies(controller);
      }
    }
    for (const Hierarchy& hierarchy : hierarchies) {
      auto directory = claim_somewhere(hierarchy, controller, name);
      if (!directory) continue;
      found.version = hierarchy.version;
      found.parent = *directory;
      return found;
    }
    found.reason =
        hierarchies.empty()
            ? str("this kernel or user namespace offers no ", controller, " controller")
            : str("the ", controller, " controller may not be used from ", hierarchies.front().own,
                  " (as an ordinary user: start with systemd-run --user --scope -p "
                  "Delegate=yes)");
    return found;
  };
  CgroupControllers controllers;
  controllers.memory_ = look("memory");
  controllers.cpu_ = look("cpu");
  controllers.pids_ = look("pids");
  return controllers;
}

ContainerCgroup CgroupControllers::create(const std::string& container_id,
                                          const ResourceSpec& limits) const {
  ContainerCgroup made;
  auto apply = [&](const char* controller, const Controller& use, int64_t wanted) {
    if (wanted <= 0) return;
    std::string failed = use.reason;
    std::string directory = use.parent + "/" + container_id;
    if (use.version != 0) {
      if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
        failed = Error::from_errno(errno, "making " + directory).message();
      } else if (std::find(made.directories.begin(), made.directories.end(), directory) ==
                 made.directories.end()) {
        made.directories.push_back(directory);
        auto join = open_fd(directory + "/cgroup.procs", O_WRONLY);
        if (join) {
          made.join_files.push_back(*std::move(join));
        } else {
          failed = join.error().message();
        }
      }
    }
    for (const Limit& limit : limits_for(controller, use.version, limits)) {
      if (!failed.empty()) break;
      auto written = write_file(str(directory, "/", limit.file), limit.value);
      bool optional = std::string_view(limit.file) == "memory.swap.max";
      if (!written && !optional) failed = written.error().message();
    }
    if (!failed.empty()) made.notes.push_back(str(controller, " limit is not in force: ", failed));
  };
  apply("memory", memory_, limits.memory_limit_bytes);
  apply("cpu", cpu_, limits.cpu_limit_millis);
  apply("pids", pids_, limits.pids_limit);
  return made;
}

int64_t CgroupControllers::oom_kills(const ContainerCgroup& cgroup) const {
  const char* file = memory_.version == 2 ? "/memory.events" : "/memory.oom_control";
  for (const std::string& directory : cgroup.directories) {
    auto text = read_file(directory + file);
    if (!text) continue;
    for (std::string_view line : split(*text, '\n')) {
      auto pair = words(line);
      if (pair.size() == 2 && pair[0] == "oom_kill") {
        return std::strtoll(std::string(pair[1]).c_str(), nullptr, 10);
      }
    }
  }
  return 0;
}

void CgroupControllers::remove(const ContainerCgroup& cgroup) {
  for (const std::string& directory : cgroup.directories) remove_tree(directory);
}

void CgroupControllers::remove_all() const {
  for (const Controller* controller : {&memory_, &cpu_, &pids_}) {
    if (controller->version != 0) remove_tree(controller->parent);
  }
}

std::string cluster_cgroup_prefix(const std::string& cluster) {
  return "hoplab-" + cluster + ".";
}

void remove_node_cgroups(const std::string& name) {
  for_each_place([&name](const std::string& place) { remove_tree(place + "/" + name); });
}

void remove_cluster_cgroups(const std::string& cluster) {
  const std::string prefix = cluster_cgroup_prefix(cluster);
  for_each_place([&prefix](const std::string& place) {
    std::error_code ec;
    std::vector<std::string> found;
    for (std::filesystem::directory_iterator it(place, ec), end; !ec && it != end;
         it.increment(ec)) {
      if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path().string());
    }
    for (const std::string& directory : found) remove_tree(directory);
  });
}

}  // namespace hoplab::proc
