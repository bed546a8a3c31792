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

/// Who shall run a program: a pod's securityContext over its image's USER.
struct UserWish {
  std::string image_user;  ///< "", "101", "nginx", "101:101".
  std::optional<uint32_t> run_as_user;
  std::optional<uint32_t> run_as_group;
  /// Nothing is asked for: root, and nothing has to be looked up.
  [[nodiscard]] bool empty() const { return image_user.empty() && !run_as_user && !run_as_group; }
  bool operator==(const UserWish&) const = default;
};

/// The pod's word wins, the image fills in what it leaves open. With either of the two numbers the
/// primary group comes from runAsGroup or else the user's line of /etc/passwd, else it is 0, and
/// the groups of /etc/group that name the user are added, as the CRI has it (containerd,
/// WithAdditionalGIDs). Without them it is as resolve_user(). Pure.
Result<ContainerUser> choose_user(const UserWish& wish, std::string_view passwd,
                                  std::string_view group);

}  // namespace hoplab::proc
