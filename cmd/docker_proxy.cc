// `docker-proxy`: keeps a published port and carries connections that no rule translates. The
// engine starts one for each port (runtime/engine/port_proxies.h).

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <map>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/engine/tcp_relay.h"

namespace hoplab::cmd {

namespace {

/// The engine's listening socket.
constexpr int listener_number = 3;

/// docker-proxy's own form: `-proto tcp -container-ip 172.17.0.2 …`
std::map<std::string, std::string> read_arguments(const std::vector<std::string>& args) {
  std::map<std::string, std::string> out;
  for (size_t i = 0; i + 1 < args.size(); i += 2) out[args[i]] = args[i + 1];
  return out;
}

Result<engine::RelayTarget> read_target(std::map<std::string, std::string>& args) {
  engine::RelayTarget target;
  HOP_TRY(target.ip, Ipv4::parse(args["-container-ip"]).context("-container-ip"));
  const std::string& port = args["-container-port"];
  auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), target.port);
  if (failed != std::errc() || end != port.data() + port.size()) {
    return Error(ErrorCode::invalid, "-container-port \"" + port + "\": expected a port's number");
  }
  return target;
}

int run_docker_proxy(const Invocation& invocation) {
  auto args = read_arguments(invocation.args);
  auto target = read_target(args);
  if (!target) return fail(target.error());
  ::signal(SIGPIPE, SIG_IGN);
  if (args["-proto"] != "tcp") {
    // Datagrams to 127.0.0.1 are not carried; the port is kept from others.
    pollfd engine{STDIN_FILENO, POLLIN, 0};
    while (::poll(&engine, 1, -1) < 0) {
    }
    return exit_ok;
  }
  auto relayed = engine::relay_connections(Fd(listener_number), *target, STDIN_FILENO);
  if (!relayed) return fail(relayed.error());
  ::_exit(exit_ok);  // Connections may be under way in threads of their own.
}

}  // namespace

extern const Command docker_proxy_command;
const Command docker_proxy_command{"docker-proxy", "keeps a container's published port",
                                   run_docker_proxy, true};

}  // namespace hoplab::cmd
