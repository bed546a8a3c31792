#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/tunnel/device.h"

namespace hoplab::tunnel {

namespace {

constexpr size_t batch = 8;
constexpr size_t ethernet_header = 14;
constexpr size_t head_bytes = sizeof(Offload) + ethernet_header;
constexpr size_t slot_bytes = head_bytes + 65536;
using Head = std::array<uint8_t, head_bytes>;

/// The node in the MAC address that plan::tunnel_next_hop_mac made; unspecified for other MACs.
Ipv4 next_hop_of(const uint8_t* mac) {
  if (mac[0] != 0x02 || mac[1] != 0x00) return {};
  return {mac[2], mac[3], mac[4], mac[5]};
}

class PacketDevice final : public Device {
 public:
  PacketDevice(std::string name, std::string peer, unsigned index, Mac link_mac, Fd socket)
      : name_(std::move(name)),
        peer_(std::move(peer)),
        index_(index),
        link_mac_(link_mac),
        socket_(std::move(socket)),
        slots_(batch * slot_bytes) {
    for (size_t i = 0; i < batch; ++i) {
      read_pieces_[i] = {slots_.at(i * slot_bytes), slot_bytes};
      reads_[i].msg_hdr.msg_iov = &read_pieces_[i];
      reads_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  [[nodiscard]] int fd() const override { return socket_.get(); }
  [[nodiscard]] bool needs_routes() const override { return false; }
  void set_routes(const std::vector<Route>& /*routes*/) override {}

  Result<void> receive(std::vector<Arrival>& out) override {
    const int got = recvmmsg(socket_.get(), reads_.data(), batch, MSG_DONTWAIT, nullptr);
    if (got < 0) return check_error();
    for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
      Arrival arrival;
      uint8_t* slot = slots_.at(i * slot_bytes);
      const size_t length = reads_[i].msg_len;
      if (length > head_bytes) {
        std::memcpy(&arrival.offload, slot, sizeof(Offload));
        // The kernel counts from the Ethernet header, which ends here.
        arrival.offload.checksum_start = static_cast<uint16_t>(
            std::max<size_t>(arrival.offload.checksum_start, ethernet_header) - ethernet_header);
        arrival.next_hop = next_hop_of(slot + sizeof(Offload));
        arrival.packet = Bytes(slot + head_bytes, length - head_bytes);
      }
      out.push_back(arrival);
    }
    return {};
  }

  size_t send(std::span<const Merged> packets) override {
    heads_.resize(packets.size());
    writes_.resize(packets.size());
    pieces_.clear();
    for (const Merged& merged : packets) count_pieces_ += 1 + merged.parts.size();
    pieces_.reserve(std::exchange(count_pieces_, 0));  // pointers into it must stay
    for (size_t i = 0; i < packets.size(); ++i) prepare(packets[i], i);
    size_t sent = 0;
    for (size_t next = 0; next < packets.size();) {
      const int done =
          sendmmsg(socket_.get(), &writes_[next], static_cast<unsigned>(packets.size() - next), 0);
      if (done < 0 && errno == EINTR) continue;
      sent += static_cast<size_t>(std::max(done, 0));
      next += static_cast<size_t>(std::max(done, 1));  // pass over the one that was refused
    }
    return sent;
  }

 private:
  void prepare(const Merged& merged, size_t i) {
    Offload offload = merged.offload;
    if (offload.flags != 0) offload.checksum_start += ethernet_header;
    if (offload.gso_type != Offload::gso_none) offload.header_length += ethernet_header;
    Head& head = heads_[i];
    std::memcpy(head.data(), &offload, sizeof offload);
    uint8_t* ethernet = &head[sizeof offload];
    std::memcpy(ethernet, link_mac_.bytes.data(), 6);
    std::memset(ethernet + 6, 0, 6);
    ethernet[6] = 0x02;  // any local source: nobody learns it
    ethernet[12] = 0x08;
    ethernet[13] = 0x00;
    msghdr& message = writes_[i].msg_hdr;
    message = {};
    message.msg_iov = pieces_.data() + pieces_.size();
    pieces_.push_back({head.data(), head.size()});
    for (const ConstBytes part : merged.parts) {
      pieces_.push_back({const_cast<uint8_t*>(part.data()), part.size()});  // NOLINT: sendmsg
    }
    message.msg_iovlen = 1 + merged.parts.size();
  }

  /// After a failed read: nothing waiting, or the link taken down, is fine; the link gone is not.
  Result<void> check_error() {
    const int error = errno;
    if (error == EAGAIN || error == EINTR) return {};
    if (error == ENETDOWN && if_nametoindex(peer_.c_str()) == index_) return {};
    if (error == ENETDOWN) {
      return Error(ErrorCode::not_found, str("link ", name_, " was deleted"));
    }
    if (error == EINVAL) return {};  // one packet whose offload the header cannot express
    return Error::from_errno(error, str("read from ", peer_));
  }

  std::string name_;
  std::string peer_;
  unsigned index_;
  Mac link_mac_;
  Fd socket_;
  PacketBuffer slots_;
  std::array<iovec, batch> read_pieces_{};
  std::array<mmsghdr, batch> reads_{};
  std::vector<Head> heads_;
  std::vector<mmsghdr> writes_;
  std::vector<iovec> pieces_;
  size_t count_pieces_ = 0;
};

Result<Mac> read_mac(int socket, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(socket, SIOCGIFHWADDR, &request) != 0) {
    return Error::from_errno(errno, str("read the MAC address of ", name));
  }
  Mac mac;
  std::memcpy(mac.bytes.data(), request.ifr_hwaddr.sa_data, 6);
  return mac;
}

}  // namespace

Result<std::unique_ptr<Device>> open_packet_device(const std::string& name,
                                                   const std::string& peer) {
  // Protocol 0 until it is bound: otherwise packets of all links arrive meanwhile.
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno(errno, "open a packet socket for the tunnel");
  const int on = 1;
  if (setsockopt(socket.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0) {
    return Error::from_errno(errno, "ask for offload headers on the tunnel's packet socket");
  }
  const int buffer = 4 << 20;  // capped by net.core.rmem_max
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  HOP_TRY(const Mac mac, read_mac(socket.get(), name));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(if_nametoindex(peer.c_str()));
  if (address.sll_ifindex == 0) return Error::from_errno(errno, str("find link ", peer));
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error::from_errno(errno, str("bind the tunnel's packet socket to ", peer));
  }
  return std::unique_ptr<Device>(std::make_unique<PacketDevice>(
      name, peer, static_cast<unsigned>(address.sll_ifindex), mac, std::move(socket)));
}

}  // namespace hoplab::tunnel
