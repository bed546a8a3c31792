#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

/// User namespaces for an ordinary user: who may have one, which ids it gets.
namespace hoplab::proc {

/// What the machine says about user namespaces. Values of -1: there is no such setting.
struct UserNsFacts {
  int64_t max_user_namespaces = -1;        ///< user.max_user_namespaces
  int64_t max_net_namespaces = -1;         ///< user.max_net_namespaces
  int64_t unprivileged_userns_clone = -1;  ///< kernel.unprivileged_userns_clone (Debian, Ubuntu)
  int64_t apparmor_restrict = -1;  ///< kernel.apparmor_restrict_unprivileged_userns (Ubuntu 23.10+)
  bool seccomp_filter = false;     ///< This process runs under a seccomp filter (Docker's default).
  bool in_container = false;       ///< /.dockerenv or /run/.containerenv exists.
  bool masked_proc = false;        ///< Something is mounted over parts of /proc (a container).
};

UserNsFacts read_userns_facts();

/// Why a user namespace (or what needs one) was refused with `sys_errno`, and the one command that
/// repairs it. Pure. Nullopt when none of the known gates explains it.
std::optional<std::string> explain_userns_failure(const UserNsFacts& facts, int sys_errno);
/// Adds the explanation to an error of making the sandbox, if there is one.
Error with_userns_explanation(Error error);

/// A range of ids that /etc/subuid or /etc/subgid gives to a user.
struct SubordinateIds {
  uint32_t first = 0;
  uint32_t count = 0;
};
/// Reads the text of /etc/subuid; lines name the user or the uid. Bad lines are passed over.
std::optional<SubordinateIds> find_subordinate_ids(std::string_view file, std::string_view user,
                                                   uid_t uid);

struct IdMaps {
  bool uid_range = false;  ///< More than the one id: chown, setuid, tcpdump work inside.
  bool gid_range = false;
};

/// Gives the new user namespace of `pid` its ids: root inside is the caller. A whole range with
/// newuidmap and newgidmap when /etc/subuid and /etc/subgid have one for the caller and the helpers
/// work; otherwise the caller's id alone.
Result<IdMaps> write_id_maps(pid_t pid);

}  // namespace hoplab::proc
