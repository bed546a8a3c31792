#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "labs/progress.h"
#include "runtime/base/text.h"
#include "runtime/proc/spawn.h"

namespace hoplab::cmd {

namespace {

constexpr int not_found_code = 127;
constexpr int not_executable_code = 126;

struct Request {
  std::string host;                  ///< Empty: the sandbox.
  std::vector<std::string> command;  ///< Empty: an interactive shell.
};

/// `shell [NODE] [--] [command…]`
Request read_request(const Options& options, const plan::ClusterConfig& config) {
  Request request;
  std::vector<std::string> rest = options.rest();
  if (!options.has("sandbox")) {
    request.host = config.default_host().name;
    if (!rest.empty() && rest.front() != "--") {
      request.host = rest.front();
      rest.erase(rest.begin());
    }
  }
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  request.command = std::move(rest);
  return request;
}

std::string current_folder() {
  std::array<char, 4096> path{};
  return ::getcwd(path.data(), path.size()) != nullptr ? path.data() : "/";
}

std::vector<std::string> environment(const RunningCluster& cluster, const Request& request,
                                     const std::string& came_from) {
  auto env = proc::inside_environment();
  env.insert(env.end(), {"USER=root", "LOGNAME=root", "SHELL=/bin/bash", "OLDPWD=" + came_from,
                         "HOPLAB_CLUSTER=" + cluster.state.name, "HOPLAB_HOST=" + request.host,
                         "HOPLAB_LABS=" + labs::progress_folder()});
  return env;
}

/// The child: already in the namespaces.
[[noreturn]] void become_command(const RunningCluster& cluster, const Request& request,
                                 const std::string& came_from) {
  proc::Program program;
  program.env = environment(cluster, request, came_from);
  program.argv = request.command;
  if (program.argv.empty()) {
    program.argv = {"bash", "--rcfile", "/run/hoplab/bashrc"};
    if (proc::find_program("bash", program.env).empty()) program.argv = {"sh"};
    program.folder = "/run/hoplab/home";
  } else {
    // A command sees the caller's folder, so that `shell k8s-m -- cat ./file` finds the file.
    program.folder = ::access(came_from.c_str(), X_OK) == 0 ? came_from : "/";
  }
  program.executable = proc::find_program(program.argv.front(), program.env);
  if (program.executable.empty()) {
    std::cerr << "hoplab: " << program.argv.front() << ": command not found\n";
    ::_exit(not_found_code);
  }
  Error failed = proc::exec_program(program);
  std::cerr << "hoplab: " << failed.message() << "\n";
  ::_exit(failed.sys_errno() == ENOENT ? not_found_code : not_executable_code);
}

/// Runs the request in the namespaces and passes its exit code on. The terminal stays the
/// caller's own: no bytes are copied. An interactive shell gets a process group of its own in the
/// foreground (job control needs one that has a number in the new pid namespace). A command stays
/// in our group: Ctrl-C and Ctrl-Z reach it as they reach us.
int run_inside(const proc::Entrance& entrance, const RunningCluster& cluster,
               const Request& request) {
  std::string came_from = current_folder();
  if (auto entered = entrance.namespaces.enter(); !entered) return fail(entered.error());
  bool interactive = request.command.empty() && ::isatty(STDIN_FILENO) == 1;
  ::signal(SIGTTOU, SIG_IGN);
  std::cout.flush();
  pid_t child = ::fork();
  if (child < 0) return fail(Error::from_errno(errno, "starting a process in " + request.host));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, interactive ? SIGHUP : SIGTERM);
    if (interactive) {
      ::setpgid(0, 0);
      ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    }
    become_command(cluster, request, came_from);
  }
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGQUIT, SIG_IGN);
  int code = proc::wait_for_exit(child);
  if (interactive) ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  return code;
}

int run_shell(const Invocation& invocation) {
  Options options("shell", "[--sandbox] [NODE] [-- COMMAND…]",
                  "Opens a shell on a host of the cluster, or runs one command there. Without a "
                  "name: the control plane. The exit code is the command's.");
  options.flag("sandbox", 0, "the outside view: every host is `ip netns exec HOST …`");
  options.positionals("NODE", 0, 1000000);
  options.stop_at_first_positional();
  options.example("hoplab shell k8s-w1", "a root shell on k8s-w1");
  options.example("hoplab shell k8s-w1 -- ip route", "one command");
  options.example("hoplab shell --sandbox -- ip netns exec client ping -c1 192.168.10.10",
                  "the same machines seen from outside");
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto cluster = find_running_cluster(invocation);
  if (!cluster) return fail(cluster.error());
  Request request = read_request(options, cluster->config);
  auto control = cluster->control();
  if (!control) return fail(control.error());
  auto entrance = control->enter(request.host);
  if (!entrance && entrance.error().code() == ErrorCode::not_found) {
    std::vector<std::string> names;
    for (const auto& host : cluster->config.hosts) names.push_back(host.name);
    return fail(Error(ErrorCode::not_found,
                      entrance.error().message() + "\n  there are: " + join(names, ", ")));
  }
  if (!entrance) return fail(entrance.error());
  return run_inside(*entrance, *cluster, request);
}

}  // namespace

extern const Command shell_command;
const Command shell_command{"shell", "open a shell on a host", run_shell};

}  // namespace hoplab::cmd
