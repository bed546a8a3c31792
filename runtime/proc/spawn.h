#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::proc {

/// A program to become or to start.
struct Program {
  std::string executable;
  std::vector<std::string> argv;  ///< With argv[0].
  std::vector<std::string> env;   ///< "NAME=value"; nothing else is inherited.
  std::string folder = "/";
  /// Descriptor of ours -> number in the program. Numbers 0 to 2 that are not named stay ours.
  std::vector<std::pair<int, int>> descriptors;
};

/// Becomes the program: descriptors placed, signal mask and dispositions reset, exec. Returns only
/// to say why it failed. For the child after a fork.
Error exec_program(const Program& program);

/// The file that a shell would start for `name` with this environment's PATH; `name` itself when it
/// has a slash; empty when there is none.
std::string find_program(const std::string& name, const std::vector<std::string>& env);

/// Starts the program inside `namespaces` as a child of ours, though it is in another pid
/// namespace. Why it could not be executed is written to descriptor 2, and it ends with code 127.
/// The caller must have one thread.
Result<pid_t> start_inside(const NamespaceSet& namespaces, const Program& program);

/// Exit code as a shell counts: 128 + signal when killed.
int exit_code_of(int wait_status);
/// Waits for a child of ours to end; its exit code.
int wait_for_exit(pid_t child);

/// The environment of processes inside: PATH with `/run/hoplab/bin` first, HOME, LANG, TERM.
std::vector<std::string> inside_environment();

}  // namespace hoplab::proc
