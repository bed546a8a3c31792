#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/tunnel/device.h"
#include "runtime/tunnel/next_hops.h"

namespace hoplab::tunnel {

namespace {

constexpr size_t batch = 8;
constexpr size_t slot_bytes = sizeof(Offload) + 65536;

class TunDevice final : public Device {
 public:
  TunDevice(std::string name, Fd tun)
      : name_(std::move(name)), tun_(std::move(tun)), slots_(batch * slot_bytes) {}

  [[nodiscard]] int fd() const override { return tun_.get(); }
  [[nodiscard]] bool needs_routes() const override { return true; }
  void set_routes(const std::vector<Route>& routes) override { next_hops_.assign(routes, name_); }

  Result<void> receive(std::vector<Arrival>& out) override {
    for (size_t i = 0; i < batch; ++i) {
      uint8_t* slot = slots_.at(i * slot_bytes);
      const ssize_t got = read(tun_.get(), slot, slot_bytes);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
      if (got < 0) return Error::from_errno(errno, str("read from ", name_));
      Arrival arrival;
      if (static_cast<size_t>(got) > sizeof(Offload)) {
        std::memcpy(&arrival.offload, slot, sizeof(Offload));
        arrival.packet = Bytes(slot + sizeof(Offload), static_cast<size_t>(got) - sizeof(Offload));
        if (auto ip = read_ipv4(arrival.packet)) {
          arrival.next_hop = next_hops_.find(ip->destination).value_or(Ipv4());
        }
      }
      out.push_back(arrival);
    }
    return {};
  }

  size_t send(std::span<const Merged> packets) override {
    size_t sent = 0;
    for (const Merged& merged : packets) {
      pieces_.clear();
      Offload offload = merged.offload;
      pieces_.push_back({&offload, sizeof offload});
      for (const ConstBytes part : merged.parts) {
        pieces_.push_back({const_cast<uint8_t*>(part.data()), part.size()});  // NOLINT: writev
      }
      if (writev(tun_.get(), pieces_.data(), static_cast<int>(pieces_.size())) > 0) ++sent;
    }
    return sent;
  }

 private:
  std::string name_;
  Fd tun_;
  NextHops next_hops_;
  PacketBuffer slots_;
  std::vector<iovec> pieces_;
};

}  // namespace

Result<std::unique_ptr<Device>> open_tun_device(const std::string& name) {
  HOP_TRY(Fd tun, open_fd("/dev/net/tun", O_RDWR | O_NONBLOCK));
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return Error::from_errno(errno, str("attach to TUN device ", name));
  }
  // Only a link that is down can change its type: after a restart it has it already.
  ioctl(tun.get(), TUNSETLINK, ARPHRD_TUNNEL);
  if (ioctl(tun.get(), TUNSETPERSIST, 1) != 0) {
    return Error::from_errno(errno, str("make TUN device ", name, " persistent"));
  }
  int header = sizeof(Offload);
  if (ioctl(tun.get(), TUNSETVNETHDRSZ, &header) != 0) {
    return Error::from_errno(errno, str("set the header size of TUN device ", name));
  }
  // Without it the kernel segments and sums before it hands packets over: slower, still correct.
  ioctl(tun.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);
  return std::unique_ptr<Device>(std::make_unique<TunDevice>(name, std::move(tun)));
}

}  // namespace hoplab::tunnel
