// `sudo CMD` inside a host: everyone is root there, so the command is just run. Reached by the
// link /run/hoplab/bin/sudo.

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cmd/command.h"
#include "runtime/base/error.h"

namespace hoplab::cmd {

namespace {

/// Flags of sudo that take a value in the next argument.
bool takes_value(std::string_view flag) {
  return flag == "-u" || flag == "-g" || flag == "-h" || flag == "-p" || flag == "-C" ||
         flag == "--user" || flag == "--group" || flag == "--prompt";
}

int become(std::vector<std::string> args) {
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  int why = errno;
  std::cerr << "sudo: " << Error::from_errno(why, args[0]).message() << "\n";
  return why == ENOENT ? 127 : 126;
}

int run_sudo(const Invocation& invocation) {
  const auto& args = invocation.args;
  bool shell = false;
  size_t at = 0;
  for (; at < args.size() && args[at].starts_with("-"); ++at) {
    if (args[at] == "--") {
      ++at;
      break;
    }
    if (args[at] == "-i" || args[at] == "-s") shell = true;
    if (takes_value(args[at])) ++at;
  }
  for (; at < args.size(); ++at) {
    auto equals = args[at].find('=');
    if (equals == std::string::npos || equals == 0) break;
    ::setenv(args[at].substr(0, equals).c_str(), args[at].substr(equals + 1).c_str(), 1);
  }
  if (at < args.size()) {
    return become(std::vector<std::string>(args.begin() + static_cast<long>(at), args.end()));
  }
  if (shell) return become({"bash", "--rcfile", "/run/hoplab/bashrc"});
  std::cerr << "usage: sudo COMMAND…   (you are root here: the command is just run)\n";
  return exit_failure;
}

}  // namespace

extern const Command sudo_command;
const Command sudo_command{"sudo", "inside a host: run a command", run_sudo, true};

}  // namespace hoplab::cmd
