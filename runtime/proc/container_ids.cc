// Which user and group ids exist in this user namespace; see container_child.h.

#include <cstdlib>

#include "runtime/base/text.h"
#include "runtime/proc/container_child.h"

namespace hoplab::proc {

namespace {

/// Lines of /proc/self/uid_map: first id inside, first id outside, count.
bool is_mapped(std::string_view map, uint32_t id) {
  for (std::string_view line : split(map, '\n')) {
    auto numbers = words(line);
    if (numbers.size() != 3) continue;
    uint64_t first = std::strtoull(std::string(numbers[0]).c_str(), nullptr, 10);
    uint64_t count = std::strtoull(std::string(numbers[2]).c_str(), nullptr, 10);
    if (id >= first && id - first < count) return true;
  }
  return false;
}

Result<void> check(const char* map_file, const char* field, uint32_t id) {
  HOP_TRY(std::string map, read_file(map_file));
  if (is_mapped(map, id)) return {};
  return Error(ErrorCode::unsupported,
               str(field, " ", id,
                   " does not exist here: this sandbox's user namespace maps only the id of the "
                   "user who started it. Install the package uidmap and give that user a line in "
                   "/etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 "
                   "--add-subgids 100000-165535 NAME), then start the cluster again"));
}

}  // namespace

Result<void> check_ids_mapped(const Credentials& credentials) {
  HOP_CHECK(check("/proc/self/uid_map", "runAsUser", credentials.user));
  HOP_CHECK(check("/proc/self/gid_map", "runAsGroup", credentials.group));
  for (uint32_t group : credentials.supplemental_groups) {
    HOP_CHECK(check("/proc/self/gid_map", "supplementalGroups", group));
  }
  return {};
}

bool group_exists(uint32_t group) {
  return check("/proc/self/gid_map", "group", group).ok();
}

}  // namespace hoplab::proc
