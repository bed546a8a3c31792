#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::proc {

/// Who a container's program runs as, when its image says it by name.
struct ContainerUser {
  uint32_t user = 0;
  uint32_t group = 0;
  std::vector<uint32_t> supplemental_groups;
  std::string home = "/";
  bool operator==(const ContainerUser&) const = default;
};

/// Reads "", "101", "nginx", "101:101" or "nginx:www" against the texts of the container's
/// /etc/passwd and /etc/group, as runc does (libcontainer/user): a number needs no entry, a name
/// does. Bad lines are passed over. `invalid` with docker's words. Pure.
Result<ContainerUser> resolve_user(std::string_view spec, std::string_view passwd,
                                   std::string_view group);

}  // namespace hoplab::proc
