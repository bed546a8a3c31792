#include <unistd.h>

#include <array>
#include <iostream>

#include "cmd/kubectl_pods.h"
#include "cmd/kubectl_terminal.h"
#include "runtime/base/text.h"
#include "web/remote_command.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array exec_flags{
    FlagSpec{"stdin", 'i', FlagKind::boolean, "", "Pass standard input to the container."},
    FlagSpec{"tty", 't', FlagKind::boolean, "", "Give the process a terminal."},
    FlagSpec{"container", 'c', FlagKind::value, "", "The container's name."},
    FlagSpec{"quiet", 'q', FlagKind::boolean, "", "Print only what the process prints."},
    FlagSpec{"pod-running-timeout", 0, FlagKind::value, "1m0s", "Accepted, without effect."},
};

/// -t needs a terminal on our side; without one the process gets plain streams, as with kubectl.
bool wants_tty(const Session& session) {
  if (!session.flags.on("tty")) return false;
  if (session.flags.on("stdin") && ::isatty(0) == 1) return true;
  if (!session.flags.on("stdin")) return true;
  std::cerr << "Unable to use a TTY - input is not a terminal or the right kind of file\n";
  return false;
}

Result<int> run_streams(Session& session, const Json& pod,
                        const web::RemoteCommandOptions& options) {
  std::cout.flush();
  std::unique_ptr<RawTerminal> terminal;
  HOP_TRY(auto process, web::RemoteProcess::open(*session.client, api::namespace_of(pod),
                                                 api::name_of(pod), options));
  if (options.tty && options.input) {
    HOP_TRY(terminal, RawTerminal::open(0, [&process](uint16_t rows, uint16_t columns) {
              process->resize(rows, columns);
            }));
  }
  auto code = process->run(options.input ? 0 : -1, 1, 2);
  terminal.reset();
  return code;
}

Result<void> check_running(const Json& pod, std::string_view action) {
  const std::string phase = string_or(member(pod, "status"), "phase");
  if (phase != "Succeeded" && phase != "Failed") return {};
  return local_error(
      str("cannot ", action, " a container in a completed pod; current phase is ", phase));
}

Result<int> run_exec(Session& session) {
  const Flags& flags = session.flags;
  std::vector<std::string> args = flags.args();
  if (args.empty()) return local_error("pod, type/name or --filename must be specified");
  web::RemoteCommandOptions options;
  options.command = flags.after_dash();
  if (args.size() > 1) {
    std::cerr << "kubectl exec [POD] [COMMAND] is DEPRECATED and will be removed in a future "
                 "version. Use kubectl exec [POD] -- [COMMAND] instead.\n";
    options.command.insert(options.command.begin(), args.begin() + 1, args.end());
  }
  if (options.command.empty()) {
    return local_error("you must specify at least one command for the container");
  }
  HOP_TRY(Json pod, find_pod(session, args[0]));
  HOP_CHECK(check_running(pod, "exec into"));
  HOP_TRY(options.container, choose_container(session, pod));
  options.input = flags.on("stdin");
  options.tty = wants_tty(session);
  HOP_TRY(int code, run_streams(session, pod, options));
  if (code != 0) std::cerr << "command terminated with exit code " << code << "\n";
  return code;
}

/// Whether the container was made with a terminal (or a standard input).
bool container_has(const Json& pod, const std::string& name, const char* what) {
  const Json& containers = at_path(pod, "spec.containers");
  for (size_t i = 0; containers.is_array() && i < containers.size(); ++i) {
    if (string_or(containers[i], "name") == name) return bool_or(containers[i], what);
  }
  return false;
}

Result<int> run_attach(Session& session) {
  const auto& args = session.flags.args();
  if (args.empty()) {
    return local_error("at least 1 argument is required for attach");
  }
  if (args.size() > 1) {
    return local_error(str("expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ",
                           args.size(), ": [", join(args, " "), "]"));
  }
  HOP_TRY(Json pod, find_pod(session, args[0]));
  HOP_CHECK(check_running(pod, "attach"));
  web::RemoteCommandOptions options;
  auto container = choose_container(session, pod);
  if (!container) {
    return local_error(str("cannot attach to the container: container not found (",
                           session.flags.get("container"), ")"));
  }
  options.container = *std::move(container);
  options.input = session.flags.on("stdin");
  const bool has_tty = container_has(pod, options.container, "tty");
  if (session.flags.on("tty") && !has_tty) {
    std::cerr << "error: Unable to use a TTY - container " << options.container
              << " did not allocate one\n";
  }
  options.tty = has_tty && wants_tty(session);
  if (options.tty && options.input && !session.flags.on("quiet")) {
    std::cerr << "If you don't see a command prompt, try pressing enter.\n";
  }
  return run_streams(session, pod, options);
}

}  // namespace

extern const Verb exec_verb;
const Verb exec_verb{"exec",
                     "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args…]",
                     "Run a command in a container",
                     "  kubectl exec web -- ip route\n"
                     "  kubectl exec -it web -- sh\n"
                     "  cat page.html | kubectl exec -i web -- tee /tmp/page.html\n",
                     exec_flags,
                     run_exec};

extern const Verb attach_verb;
const Verb attach_verb{"attach",
                       "attach (POD | TYPE/NAME) [-c CONTAINER] [flags]",
                       "Join the streams of a container's own process",
                       "  kubectl attach web\n"
                       "  kubectl attach -it web\n",
                       exec_flags,
                       run_attach};

}  // namespace hoplab::cmd::kubectl
