#include "runtime/tunnel/tunnel.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cstdlib>
#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr std::string_view default_stats = "/run/hoplab/tunnel.stats";

Options declare() {
  Options options("tunnel", "[--variant bpf|tun|veth] [--mtu BYTES] [--stats FILE]",
                  "Carries this node's IP-in-IP packets where the kernel has no ipip module: makes "
                  "tunl0 in the current network namespace and keeps it working, by eBPF programs "
                  "in the kernel where they may be loaded, else in this process. With the module "
                  "it says so and ends.");
  options.value("name", 0, "LINK", "the tunnel's link", "tunl0")
      .value("mtu", 0, "BYTES", "its MTU when it is made: the uplink's minus 20", "1480")
      .value("variant", 0, "bpf|tun|veth", "insist on this way instead of the best one")
      .value("stats", 0, "FILE", "where the counters are published", std::string(default_stats))
      .flag("status", 0, "print the counters as JSON and end")
      .example("hoplab tunnel --status", "what the running tunnel has carried and dropped")
      .example("hoplab tunnel --variant veth", "use neither eBPF nor /dev/net/tun");
  return options;
}

Result<tunnel::TunnelOptions> read_options(const Options& options) {
  tunnel::TunnelOptions out;
  out.name = options.get("name");
  out.stats_path = options.get("stats");
  const std::string mtu = options.get("mtu");
  char* end = nullptr;
  const long bytes = std::strtol(mtu.c_str(), &end, 10);
  if (mtu.empty() || *end != '\0' || bytes < 68 || bytes > 65515) {
    return Error(ErrorCode::invalid, str("--mtu ", mtu, ": must be 68 to 65515"));
  }
  out.mtu = static_cast<uint32_t>(bytes);
  const std::string variant = options.get("variant");
  out.only = tunnel::parse_variant(variant);
  if (!variant.empty() && (!out.only || out.only == tunnel::Variant::kernel)) {
    return Error(ErrorCode::invalid, str("--variant ", variant, ": must be bpf, tun or veth"));
  }
  if (out.name.empty() || out.name.size() > 10) {  // "-peer" must fit into 15 bytes
    return Error(ErrorCode::invalid, str("--name ", out.name, ": must have 1 to 10 characters"));
  }
  return out;
}

Result<Fd> stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  Fd fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "listen for signals");
  return fd;
}

Result<void> carry(const tunnel::TunnelOptions& options) {
  const Log log("tunnel");
  HOP_TRY(Fd stop, stop_signals());
  HOP_TRY(auto running, tunnel::Tunnel::open(options, log));
  log.info(str(options.name, " is up, variant ", to_string(running->variant())));
  return running->run(stop.get());
}

int run_tunnel(const Invocation& invocation) {
  Options options = declare();
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto wanted = read_options(options);
  if (!wanted) return options.usage_error(wanted.error().message());
  if (options.has("status")) {
    auto stats = tunnel::read_statistics(*wanted);
    if (!stats) return fail(std::move(stats).error());
    std::cout << dump_json_pretty(*stats) << "\n";
    return exit_ok;
  }
  if (auto done = carry(*wanted); !done) return fail(std::move(done).error());
  return exit_ok;
}

}  // namespace

extern const Command tunnel_command;
const Command tunnel_command{"tunnel", "carry a node's IP-in-IP packets", run_tunnel, true};

}  // namespace hoplab::cmd
