// docker run, create, start: containers come to life.

#include <unistd.h>

#include <csignal>
#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_host.h"
#include "cmd/docker_options.h"
#include "cmd/docker_streams.h"
#include "runtime/agent/host_paths.h"
#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_client.h"

namespace hoplab::cmd::docker {

namespace {

constexpr Millis streams_take{60'000};

/// docker run's own word before the daemon's; 125 is the engine's failure, 126 and 127 the
/// program's.
int run_failed(const Error& error, int64_t exit_code) {
  std::cerr << "docker: Error response from daemon: " << error.message()
            << ".\nSee 'docker run --help'.\n";
  return exit_code == 126 || exit_code == 127 ? static_cast<int>(exit_code) : exit_docker_usage;
}

/// Docker makes what is to be mounted and is not there. A lab host sees the computer's files, too:
/// those are no more a container's than a pod's.
Result<void> make_mount_sources(engine::ContainerConfig& config) {
  const auto paths = agent::HostPaths::of_this_node();
  for (proc::Mount& mount : config.mounts) {
    const auto access = paths.access(mount.source);
    const bool missing = ::access(mount.source.c_str(), F_OK) != 0;
    if (access == agent::HostPaths::Access::none ||
        (missing && access != agent::HostPaths::Access::write)) {
      return paths.refusal(mount.source);
    }
    if (access == agent::HostPaths::Access::read) mount.read_only = true;
    if (missing) HOP_CHECK(make_directories(mount.source));
    HOP_TRY(mount.source, paths.resolve(mount.source));
  }
  return {};
}

Result<engine::Container> create(Session& session, engine::EngineClient& engine) {
  HOP_TRY(engine::ContainerConfig config, read_container_config(session.flags));
  HOP_CHECK(make_mount_sources(config));
  return engine.create(config);
}

void print_notes(const engine::Container& container) {
  if (!container.config.aliases.empty()) {
    std::cerr
        << "WARNING: names of containers are not resolved yet; --network-alias is only kept\n";
  }
  for (const std::string& note : container.notes) std::cerr << "WARNING: " << note << "\n";
}

/// Its streams from its first byte on, or from now on when it runs already.
Result<proc::StreamSession> start_or_attach(engine::EngineClient& engine,
                                            const engine::Container& container) {
  HOP_TRY(auto node, proc::ContainerClient::connect());
  if (container.state == engine::State::running) return node->attach(container.id);
  HOP_TRY(proc::PendingAttach pending, node->attach_when_started(container.id));
  auto started = engine.start(container.id);
  if (!started) return std::move(started).error();
  print_notes(*started);
  return std::move(pending).take(streams_take);
}

/// Runs the container with our streams joined to it.
Result<int> run_joined(engine::EngineClient& engine, const engine::Container& container,
                       bool pass_signals) {
  HOP_TRY(proc::StreamSession streams, start_or_attach(engine, container));
  StreamWish wish;
  wish.input = container.config.open_stdin;
  wish.detach_keys = true;
  if (pass_signals) {
    wish.on_signal = [&](int signal) { (void)engine.kill(container.id, signal).ok(); };
  }
  HOP_TRY(const auto status, join_streams(streams, wish));
  if (!status) return exit_ok;  // detached
  // Until the engine has noticed too: what comes next may use the name or the port again. One that
  // is started again at its end may never be seen not running.
  if (container.config.restart.policy == engine::RestartPolicy::no && status->signal != SIGPIPE) {
    (void)engine.wait(container.id, container.config.auto_remove).ok();
  }
  return status->exit_code;
}

Result<int> run_run(Session& session) {
  auto engine = open_engine();
  if (!engine) return run_failed(engine.error(), 0);
  auto container = create(session, *engine);
  if (!container) return run_failed(container.error(), 0);
  const bool detach = session.flags.on("detach");
  auto ran = [&]() -> Result<int> {
    if (!detach) return run_joined(*engine, *container, session.flags.on("sig-proxy"));
    HOP_TRY(const engine::Container started, engine->start(container->id));
    print_notes(started);
    std::cout << container->id << "\n";
    return exit_ok;
  }();
  if (ran) return ran;
  auto after = engine->find(container->id);
  const int64_t code = after ? after->exit_code : 0;
  if (container->config.auto_remove) (void)engine->remove(container->id, true).ok();
  return run_failed(ran.error(), code);
}

Result<int> run_create(Session& session) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(const engine::Container container, create(session, engine));
  std::cout << container.id << "\n";
  return exit_ok;
}

constexpr FlagSpec start_flags[] = {
    {"attach", 'a', FlagKind::boolean, "", "Attach STDOUT/STDERR and forward signals"},
    {"interactive", 'i', FlagKind::boolean, "", "Attach container's STDIN"},
    {"detach-keys", 0, FlagKind::value, "", ""},
};

Result<int> run_start(Session& session) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  const auto& names = session.flags.args();
  if (session.flags.on("attach") || session.flags.on("interactive")) {
    if (names.size() > 1) {
      return Error(ErrorCode::invalid, "you cannot start and attach multiple containers at once");
    }
    HOP_TRY(const engine::Container container, engine.find(names[0]));
    return run_joined(engine, container, true);
  }
  int code = exit_ok;
  for (const std::string& name : names) {
    auto started = engine.start(name);
    if (started) {
      print_notes(*started);
      std::cout << name << "\n";
    } else {
      code = print_error(started.error());
      std::cerr << "Error: failed to start containers: " << name << "\n";
    }
  }
  return code;
}

constexpr std::string_view run_aliases[] = {"container run"};
constexpr std::string_view create_aliases[] = {"container create"};
constexpr std::string_view start_aliases[] = {"container start"};

}  // namespace

extern const Verb run_verb;
const Verb run_verb{"run",
                    "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
                    "Create and run a new container from an image",
                    "  docker run -d --rm --name red nginx:latest\n"
                    "  docker run -it --rm alpine sh\n"
                    "  docker run -d -p 8080:80 --network lab --name web nginx\n",
                    container_flags(),
                    1,
                    100000,
                    run_run,
                    run_aliases,
                    true,
                    true};

extern const Verb create_verb;
const Verb create_verb{"create",
                       "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
                       "Create a new container",
                       "  docker create --name web nginx\n",
                       container_flags(),
                       1,
                       100000,
                       run_create,
                       create_aliases,
                       true,
                       true};

extern const Verb start_verb;
const Verb start_verb{"start",
                      "start [OPTIONS] CONTAINER [CONTAINER...]",
                      "Start one or more stopped containers",
                      "  docker start web\n  docker start -ai shell\n",
                      start_flags,
                      1,
                      1000,
                      run_start,
                      start_aliases,
                      false,
                      true};

}  // namespace hoplab::cmd::docker
