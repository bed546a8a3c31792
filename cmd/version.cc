#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"

namespace hoplab::cmd {

namespace {

int run_version(const Invocation& invocation) {
  Options options("version", "", "Prints the version.");
  options.example("hoplab version", "which hoplab this is");
  if (auto exit = options.parse(invocation.args)) return *exit;
  std::cout << "hoplab " << HOPLAB_VERSION << "\n";
  return exit_ok;
}

}  // namespace

extern const Command version_command;
const Command version_command{"version", "print the version", run_version};

}  // namespace hoplab::cmd
