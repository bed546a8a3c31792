#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/capabilities.h"
#include "runtime/proc/container_types.h"
#include "runtime/proc/container_user.h"
#include "runtime/proc/rootfs.h"

/// What happens between clone(2) and execve(2) of a container's program. Runs in the child of
/// node-init, which has one thread, so ordinary code is allowed.
namespace hoplab::proc {

/// Who runs and with which rights; the same for a container and for exec in it.
struct Credentials {
  uint32_t user = 0;
  uint32_t group = 0;
  std::vector<uint32_t> supplemental_groups;
  CapabilitySet capabilities = 0;
  bool no_new_privileges = false;
};

struct ProgramPlan {
  std::vector<std::string> command;
  /// Looked up in the container's /etc/passwd and /etc/group. Empty = `credentials` know.
  UserWish user;
  std::vector<EnvVar> env;  ///< Complete, later ones win.
  std::string working_dir;
  Credentials credentials;
  bool tty = false;
  unsigned short rows = 0;
  unsigned short columns = 0;
  /// Standard input, output and error without a tty; invalid means /dev/null.
  int input = -1;
  int output = -1;
  int error = -1;
  std::vector<int> cgroup_join_files;
};

/// What the child reports over the sync socket before the program runs: with a tty the terminal's
/// master; on failure an exit code (126 to 128) and a message. Success is the socket's end.
struct StartFailure {
  int exit_code = 128;
  std::string message;
};
std::optional<StartFailure> parse_start_failure(std::string_view packet);

/// The first process of a container: in fresh pid and mount namespaces (or, with a shared pid
/// namespace, in a fresh mount namespace), joins the pod's network, ipc and uts namespaces and
/// builds the root. `sandbox` is a pidfd of the pod's pause process.
[[noreturn]] void run_container_child(const ProgramPlan& plan, const RootfsSpec& root, int sandbox,
                                      int sync);

/// A further process: joins the namespaces of the container's first one (pidfd `container`).
[[noreturn]] void run_exec_child(const ProgramPlan& plan, int container, int sync);

/// Whether the group id exists in this process's user namespace.
bool group_exists(uint32_t group);

/// The ids of /proc/self/uid_map and gid_map that exist here; the error says what to install.
Result<void> check_ids_mapped(const Credentials& credentials);

}  // namespace hoplab::proc
