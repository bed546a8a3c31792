#include "runtime/proc/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Puts every descriptor at its number. Sources are first moved above all targets, so that no
/// target overwrites a source that still waits.
Result<void> place_descriptors(const std::vector<std::pair<int, int>>& wanted) {
  int above = 3;
  for (const auto& [_, to] : wanted) above = std::max(above, to + 1);
  std::vector<int> sources;
  for (const auto& [from, _] : wanted) {
    int copy = ::fcntl(from, F_DUPFD_CLOEXEC, above);
    if (copy < 0) return Error::from_errno(errno, "copying a descriptor");
    sources.push_back(copy);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (::dup2(sources[i], wanted[i].second) < 0) {
      return Error::from_errno(errno, "placing a descriptor");
    }
  }
  return {};
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Error exec_program(const Program& program) {
  if (auto placed = place_descriptors(program.descriptors); !placed) return placed.error();
  if (!program.folder.empty() && ::chdir(program.folder.c_str()) != 0) {
    return Error::from_errno(errno, "changing to folder " + program.folder);
  }
  reset_signals();
  ::execve(program.executable.c_str(), pointers(program.argv).data(), pointers(program.env).data());
  return Error::from_errno(errno, "starting " + program.executable);
}

std::string find_program(const std::string& name, const std::vector<std::string>& env) {
  if (name.find('/') != std::string::npos) return name;
  for (const auto& variable : env) {
    if (!variable.starts_with("PATH=")) continue;
    for (auto folder : split(std::string_view(variable).substr(5), ':')) {
      std::string path = str(folder, '/', name);
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return {};
}

Result<pid_t> start_inside(const NamespaceSet& namespaces, const Program& program) {
  HOP_TRY(Pipe told, make_pipe());
  HOP_TRY(pid_t between, fork_into(0));
  if (between == 0) {
    // A pid namespace counts for children only, so one more process is needed. CLONE_PARENT makes
    // it the child of our parent, who thereby learns of its end.
    auto entered = namespaces.enter();
    auto pid = entered ? fork_into(CLONE_PARENT) : Result<pid_t>(entered.error());
    if (pid && *pid == 0) {
      Error failed = exec_program(program);
      [[maybe_unused]] auto written = write_all(2, failed.message() + "\n");
      ::_exit(127);
    }
    if (!pid) [[maybe_unused]]
      auto written = write_all(2, pid.error().message() + "\n");
    [[maybe_unused]] auto written =
        write_all(told.write_end.get(), pid ? std::to_string(*pid) : "");
    ::_exit(0);
  }
  told.write_end.reset();
  auto number = read_all(told.read_end.get(), 32);
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!number || number->empty()) {
    return Error(ErrorCode::system, "starting " + program.executable + " inside a host (see log)");
  }
  return static_cast<pid_t>(std::stol(*number));
}

int exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int wait_for_exit(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return EXIT_FAILURE;
  }
  return exit_code_of(status);
}

std::vector<std::string> inside_environment() {
  std::vector<std::string> env{
      "PATH=/run/hoplab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/run/hoplab/home", "KUBECONFIG=/run/hoplab/kubeconfig"};
  for (const char* name : {"TERM", "LANG", "LC_ALL", "TZ", "COLORTERM"}) {
    if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
  }
  return env;
}

}  // namespace hoplab::proc
