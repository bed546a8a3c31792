// docker exec, attach, logs: a container's insides and words.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_containers.h"
#include "cmd/docker_host.h"
#include "cmd/docker_options.h"
#include "cmd/docker_streams.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_client.h"
#include "runtime/proc/log_reader.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec container_exec_flags[] = {
    {"detach", 'd', FlagKind::boolean, "", "Detached mode: run command in the background"},
    {"interactive", 'i', FlagKind::boolean, "", "Keep STDIN open even if not attached"},
    {"tty", 't', FlagKind::boolean, "", "Allocate a pseudo-TTY"},
    {"env", 'e', FlagKind::value, "", "Set environment variables"},
    {"workdir", 'w', FlagKind::value, "", "Working directory inside the container"},
    {"detach-keys", 0, FlagKind::value, "", ""},
};

Error no_process(const ShownContainer& shown) {
  return Error(ErrorCode::unsupported, str("container ", shown.container.config.name,
                                           " is a pod's pause: nothing can be started in it"));
}

Result<proc::ExecSpec> read_exec(const Flags& flags, const ShownContainer& shown) {
  proc::ExecSpec spec;
  spec.container_id = shown.node_id;
  spec.command.assign(flags.args().begin() + 1, flags.args().end());
  for (const std::string& text : flags.all("env")) {
    HOP_TRY(const auto parsed, parse_env(text));
    spec.env.insert(spec.env.end(), parsed.begin(), parsed.end());
  }
  spec.working_dir = flags.get("workdir");
  spec.detached = flags.on("detach");
  spec.stdin_open = flags.on("interactive") && !spec.detached;
  spec.tty = flags.on("tty") && !spec.detached;
  return spec;
}

Result<int> run_container_exec(Session& session) {
  const Flags& flags = session.flags;
  HOP_TRY(const ShownContainer shown, find_running(flags.args()[0]));
  if (shown.node_id.empty()) return no_process(shown);
  if (flags.on("tty") && flags.on("interactive") && ::isatty(STDIN_FILENO) != 1) {
    std::cerr << "the input device is not a TTY\n";
    return exit_failure;
  }
  HOP_TRY(const proc::ExecSpec spec, read_exec(flags, shown));
  HOP_TRY(auto node, proc::ContainerClient::connect());
  HOP_TRY(proc::StreamSession streams, node->exec(spec));
  if (flags.on("detach")) return exit_ok;
  HOP_TRY(const auto status, join_streams(streams, {spec.stdin_open, {}, true}));
  if (!status) return exit_ok;
  if (!status->message.empty()) {
    std::cerr << "OCI runtime exec failed: exec failed: unable to start container process: "
              << status->message << "\n";
  }
  return status->exit_code;
}

constexpr FlagSpec container_attach_flags[] = {
    {"no-stdin", 0, FlagKind::boolean, "", "Do not attach STDIN"},
    {"sig-proxy", 0, FlagKind::boolean, "true", "Proxy all received signals to the process"},
    {"detach-keys", 0, FlagKind::value, "", ""},
};

Result<int> run_container_attach(Session& session) {
  HOP_TRY(const ShownContainer shown, find_container(session.flags.args()[0]));
  if (shown.container.state != engine::State::running) {
    return Error(ErrorCode::conflict, "You cannot attach to a stopped container, start it first");
  }
  if (shown.node_id.empty()) return no_process(shown);
  HOP_TRY(auto node, proc::ContainerClient::connect());
  HOP_TRY(proc::StreamSession streams, node->attach(shown.node_id));
  StreamWish wish;
  wish.input = shown.container.config.open_stdin && !session.flags.on("no-stdin");
  wish.detach_keys = true;
  if (session.flags.on("sig-proxy")) {
    wish.on_signal = [&](int signal) { (void)node->kill_container(shown.node_id, signal).ok(); };
  }
  HOP_TRY(const auto status, join_streams(streams, wish));
  return status ? status->exit_code : exit_ok;
}

constexpr FlagSpec container_logs_flags[] = {
    {"follow", 'f', FlagKind::boolean, "", "Follow log output"},
    {"tail", 'n', FlagKind::value, "all", "Number of lines to show from the end of the logs"},
    {"timestamps", 't', FlagKind::boolean, "", "Show timestamps"},
    {"since", 0, FlagKind::value, "", "Show logs since timestamp or relative (e.g. 42m)"},
};

Result<proc::LogQuery> read_query(const Flags& flags) {
  proc::LogQuery query;
  query.timestamps = flags.on("timestamps");
  const std::string tail = flags.get("tail");
  if (tail != "all") {
    int64_t lines = 0;
    auto [end, failed] = std::from_chars(tail.data(), tail.data() + tail.size(), lines);
    if (failed != std::errc() || end != tail.data() + tail.size()) {
      return Error(ErrorCode::invalid, "invalid tail \"" + tail + "\": expected a number or all");
    }
    if (lines >= 0) query.tail_lines = lines;
  }
  if (const std::string since = flags.get("since"); !since.empty()) {
    if (auto age = kubectl::parse_duration(since)) {
      query.since = SystemClock().wall() - *age;
    } else {
      HOP_TRY(query.since, parse_rfc3339(since).context("invalid value for \"since\""));
    }
  }
  return query;
}

Result<void> print_rest(proc::LogReader& reader) {
  for (;;) {
    HOP_TRY(const auto text, reader.read());
    if (!text) break;
    std::cout << *text;
  }
  std::cout.flush();
  return {};
}

/// Until the container has ended and everything it wrote is printed.
Result<void> follow(proc::LogReader& reader, const ShownContainer& shown) {
  HOP_TRY(auto node, proc::ContainerClient::connect());
  HOP_TRY(proc::EventSubscription events, node->subscribe());
  for (;;) {
    const auto status = node->status(shown.node_id);
    const bool over = !status || status->state != proc::ContainerState::running;
    HOP_CHECK(print_rest(reader));
    if (over || !std::cout) return {};
    // Both wake this loop: more text, and the end, of which the event is read and dropped.
    pollfd waiting[2] = {{reader.fd(), POLLIN, 0}, {events.fd(), POLLIN, 0}};
    ::poll(waiting, 2, 1000);
    if (waiting[0].revents != 0) reader.wait(Millis(0));
    if (waiting[1].revents != 0) HOP_CHECK(events.next(Millis(0)));
  }
}

Result<int> run_logs(Session& session) {
  HOP_TRY(const proc::LogQuery query, read_query(session.flags));
  HOP_TRY(const ShownContainer shown, find_container(session.flags.args()[0]));
  if (shown.container.log_path.empty()) return exit_ok;
  auto reader = proc::LogReader::open(shown.container.log_path, query);
  if (!reader && reader.error().code() == ErrorCode::not_found) return exit_ok;  // never started
  if (!reader) return std::move(reader).error();
  if (session.flags.on("follow") && shown.container.state == engine::State::running) {
    HOP_CHECK(follow(*reader, shown));
  } else {
    HOP_CHECK(print_rest(*reader));
  }
  return exit_ok;
}

constexpr std::string_view exec_aliases[] = {"container exec"};
constexpr std::string_view attach_aliases[] = {"container attach"};
constexpr std::string_view logs_aliases[] = {"container logs"};

}  // namespace

extern const Verb exec_verb;
const Verb exec_verb{"exec",
                     "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
                     "Execute a command in a running container",
                     "  docker exec red ip route\n  docker exec -it red sh\n",
                     container_exec_flags,
                     2,
                     100000,
                     run_container_exec,
                     exec_aliases,
                     true,
                     true};

extern const Verb attach_verb;
const Verb attach_verb{"attach",
                       "attach [OPTIONS] CONTAINER",
                       "Attach local standard input, output, and error streams to a running "
                       "container",
                       "  docker attach shell      (Ctrl-P Ctrl-Q leaves it running)\n",
                       container_attach_flags,
                       1,
                       1,
                       run_container_attach,
                       attach_aliases,
                       false,
                       true};

extern const Verb logs_verb;
const Verb logs_verb{"logs",
                     "logs [OPTIONS] CONTAINER",
                     "Fetch the logs of a container",
                     "  docker logs -f --tail 20 web\n",
                     container_logs_flags,
                     1,
                     1,
                     run_logs,
                     logs_aliases,
                     false,
                     true};

}  // namespace hoplab::cmd::docker
