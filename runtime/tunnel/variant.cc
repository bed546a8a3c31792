#include "runtime/tunnel/variant.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::tunnel {

std::string_view to_string(Variant variant) {
  switch (variant) {
    case Variant::kernel:
      return "kernel";
    case Variant::tun:
      return "tun";
    case Variant::veth:
      return "veth";
  }
  return "unknown";
}

Probe probe() {
  Probe out;
  out.kernel_ipip = access("/sys/module/ipip", F_OK) == 0;
  auto tun = open_fd("/dev/net/tun", O_RDWR);
  out.dev_net_tun = tun.ok();
  if (!tun) out.dev_net_tun_problem = tun.error().message();
  return out;
}

Choice choose(const Probe& probe) {
  constexpr std::string_view load = "sudo modprobe ipip";
  if (probe.kernel_ipip)
    return {Variant::kernel, "IP in IP is done by the kernel's ipip module", ""};
  if (probe.dev_net_tun) {
    return {Variant::tun,
            "IP in IP is done by a hoplab process on a TUN device: the kernel's ipip module is not "
            "loaded",
            std::string(load)};
  }
  return {Variant::veth,
          str("IP in IP is done by a hoplab process on a veth pair: the kernel's ipip module is "
              "not loaded and there is no TUN device (",
              probe.dev_net_tun_problem, ")"),
          str(load, "  # or: sudo chmod 0666 /dev/net/tun")};
}

}  // namespace hoplab::tunnel
