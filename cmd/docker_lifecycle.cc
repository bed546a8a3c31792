// docker stop, kill, restart, rm, rename, wait, container prune.

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <functional>
#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_containers.h"
#include "cmd/docker_host.h"
#include "runtime/base/text.h"
#include "runtime/proc/signal_name.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec grace_flags[] = {
    {"time", 't', FlagKind::number, "10",
     "Seconds to wait before killing the container after asking it to end"},
};

/// One after the other; what cannot be done is told and the rest goes on, as docker does.
Result<int> for_each(
    Session& session,
    const std::function<Result<std::string>(engine::EngineClient&, const std::string&)>& act) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  int code = exit_ok;
  for (const std::string& name : session.flags.args()) {
    auto done = act(engine, name);
    if (done) {
      std::cout << *done << "\n" << std::flush;
    } else {
      code = print_error(done.error());
    }
  }
  return code;
}

Millis grace_of(const Session& session) {
  return bounded_seconds(std::max<int64_t>(0, session.flags.number("time")));
}

Result<int> run_stop(Session& session) {
  return for_each(session, [&](auto& engine, const std::string& name) -> Result<std::string> {
    HOP_CHECK(engine.stop(name, grace_of(session)));
    return name;
  });
}

Result<int> run_restart(Session& session) {
  return for_each(session, [&](auto& engine, const std::string& name) -> Result<std::string> {
    HOP_CHECK(engine.restart(name, grace_of(session)));
    return name;
  });
}

constexpr FlagSpec kill_flags[] = {
    {"signal", 's', FlagKind::value, "KILL", "Signal to send to the container"},
};

Result<int> run_kill(Session& session) {
  const std::string text = session.flags.get("signal");
  const std::optional<int> signal = proc::signal_number(text);
  if (!signal) return Error(ErrorCode::invalid, "Invalid signal: " + text);
  return for_each(session, [&](auto& engine, const std::string& name) -> Result<std::string> {
    HOP_CHECK(engine.kill(name, *signal));
    return name;
  });
}

constexpr FlagSpec rm_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Force the removal of a running container (SIGKILL)"},
    {"volumes", 'v', FlagKind::boolean, "", ""},
};

Result<int> run_rm(Session& session) {
  const bool force = session.flags.on("force");
  return for_each(session, [&](auto& engine, const std::string& name) -> Result<std::string> {
    auto removed = engine.remove(name, force);
    const bool absent = !removed && removed.error().code() == ErrorCode::not_found;
    if (!removed && !(force && absent)) return std::move(removed).error();
    return name;
  });
}

Result<int> run_rename(Session& session) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_CHECK(engine.rename(session.flags.args()[0], session.flags.args()[1]));
  return exit_ok;
}

Result<int> run_wait(Session& session) {
  return for_each(session, [](auto& engine, const std::string& name) -> Result<std::string> {
    HOP_TRY(const engine::Container container, engine.wait(name, false));
    return std::to_string(container.exit_code);
  });
}

constexpr FlagSpec container_prune_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Do not prompt for confirmation"},
};

Result<int> run_container_prune(Session& session) {
  if (!session.flags.on("force") && !confirmed("This will remove all stopped containers.")) {
    return exit_ok;
  }
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(const std::vector<engine::Container> containers, engine.list());
  std::vector<std::string> removed;
  for (const engine::Container& each : containers) {
    if (each.state == engine::State::running) continue;
    HOP_CHECK(engine.remove(each.id, false));
    removed.push_back(each.id);
  }
  if (!removed.empty()) std::cout << "Deleted Containers:\n" << join(removed, "\n") << "\n\n";
  std::cout << "Total reclaimed space: 0B\n";
  return exit_ok;
}

constexpr std::string_view stop_aliases[] = {"container stop"};
constexpr std::string_view restart_aliases[] = {"container restart"};
constexpr std::string_view kill_aliases[] = {"container kill"};
constexpr std::string_view rm_aliases[] = {"container rm", "container remove"};
constexpr std::string_view rename_aliases[] = {"container rename"};
constexpr std::string_view wait_aliases[] = {"container wait"};

}  // namespace

extern const Verb stop_verb;
const Verb stop_verb{"stop",
                     "stop [OPTIONS] CONTAINER [CONTAINER...]",
                     "Stop one or more running containers",
                     "  docker stop red blue\n",
                     grace_flags,
                     1,
                     1000,
                     run_stop,
                     stop_aliases,
                     false,
                     true};

extern const Verb restart_verb;
const Verb restart_verb{"restart",
                        "restart [OPTIONS] CONTAINER [CONTAINER...]",
                        "Restart one or more containers",
                        "  docker restart -t 1 web\n",
                        grace_flags,
                        1,
                        1000,
                        run_restart,
                        restart_aliases,
                        false,
                        true};

extern const Verb kill_verb;
const Verb kill_verb{"kill",
                     "kill [OPTIONS] CONTAINER [CONTAINER...]",
                     "Kill one or more running containers",
                     "  docker kill -s HUP web\n",
                     kill_flags,
                     1,
                     1000,
                     run_kill,
                     kill_aliases,
                     false,
                     true};

extern const Verb rm_verb;
const Verb rm_verb{"rm",
                   "rm [OPTIONS] CONTAINER [CONTAINER...]",
                   "Remove one or more containers",
                   "  docker rm -f web\n",
                   rm_flags,
                   1,
                   1000,
                   run_rm,
                   rm_aliases,
                   false,
                   true};

extern const Verb rename_verb;
const Verb rename_verb{"rename",
                       "rename CONTAINER NEW_NAME",
                       "Rename a container",
                       "  docker rename red green\n",
                       {},
                       2,
                       2,
                       run_rename,
                       rename_aliases,
                       false,
                       true};

extern const Verb wait_verb;
const Verb wait_verb{"wait",
                     "wait CONTAINER [CONTAINER...]",
                     "Block until containers stop, then print their exit codes",
                     "  docker wait job\n",
                     {},
                     1,
                     1000,
                     run_wait,
                     wait_aliases,
                     false,
                     true};

extern const Verb container_prune_verb;
const Verb container_prune_verb{"container prune",
                                "container prune [OPTIONS]",
                                "Remove all stopped containers",
                                "  docker container prune -f\n",
                                container_prune_flags,
                                0,
                                0,
                                run_container_prune,
                                {},
                                false,
                                true};

}  // namespace hoplab::cmd::docker
