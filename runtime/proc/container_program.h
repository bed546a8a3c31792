#pragma once

#include <string>
#include <vector>

#include "runtime/proc/container_types.h"

/// Finding and running a container's program, with the messages people know from runc. Private to
/// container_*.cc.
namespace hoplab::proc {

struct ProgramFailure {
  int exit_code = 128;
  std::string message;  ///< exec: "foo": executable file not found in $PATH
};

inline constexpr const char* default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// "NAME=value", each name once with its last value, in order of first appearance.
std::vector<std::string> environment_block(const std::vector<EnvVar>& env);

/// execve(2) with a search in the environment's PATH; returns only on failure: 127 when there is
/// no such program, 126 when it may not be run.
ProgramFailure execute(const std::vector<std::string>& command, const std::vector<EnvVar>& env);

}  // namespace hoplab::proc
