#include "runtime/proc/node_init.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/proc/node_init_containers.h"
#include "runtime/proc/node_init_server.h"
#include "runtime/proc/node_init_services.h"

namespace hoplab::proc {

namespace {

Result<Fd> open_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&signals, signal);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Error::from_errno(errno, "blocking signals");
  }
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno(errno, "making a signal descriptor");
  return fd;
}

/// True when we are asked to end.
bool take_signals(const Fd& signals) {
  bool ending = false;
  signalfd_siginfo info{};
  while (::read(signals.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    ending = ending || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
  }
  return ending;
}

}  // namespace

Result<void> run_node_init(const NodeConfig& config, const Log& log) {
  // Where we are not pid 1 (a real machine), orphans of containers still come to us.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  HOP_TRY(Fd signals, open_signals());
  HOP_TRY(EventLoop loop, EventLoop::create());
  NodeServer* server_pointer = nullptr;
  NodeContainers containers(loop, log, config, [&server_pointer](const ContainerEvent& event) {
    if (server_pointer != nullptr) server_pointer->publish(event);
  });
  NodeServer server(loop, log, containers);
  server_pointer = &server;
  ServiceSupervisor services(loop, log, config);
  bool ending = false;
  HOP_CHECK(loop.watch(signals.get(), EPOLLIN, [&](uint32_t) {
    ending = take_signals(signals);
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      // Whatever is none of these was an orphan: reaped, and that is all.
      if (!containers.child_exited(pid, status) && !services.child_exited(pid, status)) {
        server.child_exited(pid, status);
      }
    }
  }));
  HOP_CHECK(server.listen(config.socket_path()));
  services.start_all();
  while (!ending) HOP_CHECK(loop.run_once(Millis(60'000)));
  log.info("asked to end: stopping services and containers");
  services.stop_all();
  containers.shut_down();
  ::unlink(config.socket_path().c_str());
  return {};
}

}  // namespace hoplab::proc
