// `hoplab dockerd`: a host's container engine. Started by the first `docker` command that needs it.

#include <fcntl.h>
#include <malloc.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "cmd/command.h"
#include "cmd/docker_host.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/engine/server.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::cmd {

namespace {

/// To whoever started us and waits for a word.
void tell_starter(const std::string& word) {
  if (::fcntl(docker::engine_ready_number, F_GETFD) < 0) return;  // started by hand
  (void)write_all(docker::engine_ready_number, word).ok();
  ::close(docker::engine_ready_number);
}

/// One engine for each host: the lock is free again when its process is gone, however it ended.
Result<Fd> lock_folder(const std::string& folder) {
  HOP_TRY(Fd lock, open_fd(folder + "/lock", O_RDWR | O_CREAT));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return Error(ErrorCode::already_exists, "an engine runs on this host already");
  }
  return lock;
}

/// Two commands at once may start two engines: the later one's command uses the first.
bool other_answers() {
  const SystemClock clock;
  for (const auto until = clock.steady() + std::chrono::seconds(10); clock.steady() < until;) {
    if (docker::running_engine()) return true;
    std::this_thread::sleep_for(Millis(5));
  }
  return false;
}

Result<void> serve(const std::string& folder, const Log& log) {
  mallopt(M_ARENA_MAX, 2);
  ::prctl(PR_SET_NAME, "dockerd");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error::from_errno(errno, "making " + folder);
  }
  HOP_TRY(const Fd lock, lock_folder(folder));
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Blocked before any thread starts, so that only sigwait() sees them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  engine::EngineConfig config;
  config.folder = folder;
  config.node_socket = proc::node_socket_path;
  config.images = docker::images_folder();
  HOP_TRY(config.executable, proc::own_executable());
  HOP_TRY(auto engine, engine::Engine::open(config, log));
  HOP_TRY(auto server, engine::EngineServer::listen(engine::engine_socket_path, *engine, log));
  const auto signal_thread [[maybe_unused]] = start_thread("signals", end_process, [&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server->stop();
  });
  tell_starter("ready");
  log.info("ready");
  auto served = server->run();
  // Clients may be under way in threads of their own; containers do not depend on us.
  if (!served) log.error("ends", served.error());
  ::_exit(served ? exit_ok : exit_failure);
}

int run_dockerd(const Invocation& invocation) {
  Options options("dockerd", "",
                  "The container engine of this host, for `docker`. It is started by the first "
                  "command that needs it; containers go on when it ends.");
  options.value("data", 0, "DIR", "where it keeps its state", "/run/hoplab/docker");
  options.example("hoplab dockerd", "in the foreground, on a host of a lab");
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto served = serve(options.get("data"), Log("dockerd"));
  if (served) return exit_ok;
  if (served.error().code() == ErrorCode::already_exists && other_answers()) {
    tell_starter("ready");
    return exit_ok;
  }
  tell_starter(served.error().message());
  return fail(served.error());
}

}  // namespace

extern const Command dockerd_command;
const Command dockerd_command{"dockerd", "a host's container engine", run_dockerd, true};

}  // namespace hoplab::cmd
