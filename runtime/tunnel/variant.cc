#include "runtime/tunnel/variant.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/tunnel/bpf_tunnel.h"

namespace hoplab::tunnel {

namespace {

const char* who(Variant variant) {
  switch (variant) {
    case Variant::kernel:
      return "the kernel's ipip module";
    case Variant::bpf:
      return "two eBPF programs in the kernel";
    case Variant::tun:
      return "a hoplab process on a TUN device";
    case Variant::veth:
      return "a hoplab process on a veth pair";
  }
  return "nobody";
}

}  // namespace

std::string_view to_string(Variant variant) {
  switch (variant) {
    case Variant::kernel:
      return "kernel";
    case Variant::bpf:
      return "bpf";
    case Variant::tun:
      return "tun";
    case Variant::veth:
      return "veth";
  }
  return "unknown";
}

std::optional<Variant> parse_variant(std::string_view name) {
  for (const Variant one : {Variant::kernel, Variant::bpf, Variant::tun, Variant::veth}) {
    if (to_string(one) == name) return one;
  }
  return std::nullopt;
}

Result<void> check_wish(std::string_view name) {
  const auto variant = parse_variant(name);
  if (variant && *variant != Variant::kernel) return {};
  return Error(ErrorCode::invalid, str("--tunnel takes bpf, tun or veth, not \"", name, "\""));
}

std::string tunnel_peer_name(const std::string& name) {
  return name + "-peer";
}

bool has_kernel_ipip() {
  return access("/sys/module/ipip", F_OK) == 0;
}

Probe probe() {
  Probe out;
  out.kernel_ipip = has_kernel_ipip();
  auto programs = may_load_programs();
  out.bpf = programs.ok();
  if (!programs) out.bpf_problem = programs.error().message();
  auto tun = open_fd("/dev/net/tun", O_RDWR);
  out.dev_net_tun = tun.ok();
  if (!tun) out.dev_net_tun_problem = tun.error().message();
  return out;
}

Choice choose(const Probe& probe, std::optional<Variant> only) {
  constexpr std::string_view load = "sudo modprobe ipip";
  if (probe.kernel_ipip) {
    return {Variant::kernel, "IP in IP is done by the kernel's ipip module", ""};
  }
  if (only) return {*only, str("IP in IP is done by ", who(*only), ", as was asked for"), ""};
  if (probe.bpf) {
    return {Variant::bpf,
            str("IP in IP is done by ", who(Variant::bpf), ": its ipip module is not loaded"),
            std::string(load)};
  }
  const std::string no_kernel = str(
      "the kernel's ipip module is not loaded, eBPF programs cannot be (", probe.bpf_problem, ")");
  if (probe.dev_net_tun) {
    return {Variant::tun, str("IP in IP is done by ", who(Variant::tun), ": ", no_kernel),
            str(load, "  # or: hoplab as root, which may use eBPF")};
  }
  return {Variant::veth,
          str("IP in IP is done by ", who(Variant::veth), ": ", no_kernel,
              " and there is no TUN device (", probe.dev_net_tun_problem, ")"),
          str(load, "  # or: hoplab as root; or: sudo chmod 0666 /dev/net/tun")};
}

Result<void> can_use(Variant variant, const Probe& probe) {
  const auto refuse = [variant](std::string_view why, std::string_view repair) {
    return Error(ErrorCode::unsupported,
                 str("tunnel ", to_string(variant), ": ", why, "\n  repair: ", repair,
                     "\n  or leave --tunnel out: the best there is here"));
  };
  if (variant == Variant::kernel && !probe.kernel_ipip) {
    return refuse("ipip is not loaded", "sudo modprobe ipip");
  }
  if (variant == Variant::bpf && !probe.bpf) {
    return refuse(probe.bpf_problem, "run hoplab as root, who may load programs");
  }
  if (variant == Variant::tun && !probe.dev_net_tun) {
    return refuse(probe.dev_net_tun_problem,
                  "sudo modprobe tun; sudo chmod 0666 /dev/net/tun  # or: --tunnel veth");
  }
  return {};
}

}  // namespace hoplab::tunnel
