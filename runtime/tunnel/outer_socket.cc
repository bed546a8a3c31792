#include "runtime/tunnel/outer_socket.h"

#include <cerrno>
#include <cstring>

namespace hoplab::tunnel {

namespace {

void put_control(cmsghdr* control, int type, int value) {
  control->cmsg_level = IPPROTO_IP;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
}

/// The ECN bits alone; "congestion met" stays the inner packet's own (RFC 6040).
int outer_tos(uint8_t inner) {
  constexpr int ecn = 3, capable = 2;
  return (inner & ecn) == ecn ? capable : inner & ecn;
}

}  // namespace

OuterSocket::OuterSocket(Fd socket)
    : socket_(std::move(socket)),
      slots_(batch * slot_bytes),
      read_pieces_(batch),
      reads_(batch),
      outgoing_(batch),
      writes_(batch) {
  for (size_t i = 0; i < batch; ++i) {
    read_pieces_[i] = {slots_.at(i * slot_bytes), slot_bytes};
    reads_[i].msg_hdr.msg_iov = &read_pieces_[i];
    reads_[i].msg_hdr.msg_iovlen = 1;
  }
}

Result<OuterSocket> OuterSocket::open() {
  Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IPIP));
  if (!socket) return Error::from_errno(errno, "open a raw socket for IP protocol 4");
  const int buffer = 4 << 20;  // capped by net.core.rmem_max
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return OuterSocket(std::move(socket));
}

size_t OuterSocket::send(const std::vector<Packet>& packets) {
  size_t sent = 0;
  for (size_t base = 0; base < packets.size(); base += batch) {
    const size_t count = std::min(batch, packets.size() - base);
    for (size_t i = 0; i < count; ++i) {
      const Packet& packet = packets[base + i];
      Outgoing& out = outgoing_[i];
      out.to.sin_family = AF_INET;
      out.to.sin_addr.s_addr = packet.node.network_order();
      out.piece = {packet.inner.data(), packet.inner.size()};
      msghdr& message = writes_[i].msg_hdr;
      message = {};
      message.msg_name = &out.to;
      message.msg_namelen = sizeof out.to;
      message.msg_iov = &out.piece;
      message.msg_iovlen = 1;
      message.msg_control = out.control.data();
      message.msg_controllen = out.control.size();
      cmsghdr* control = CMSG_FIRSTHDR(&message);
      put_control(control, IP_TTL, packet.inner[8]);
      put_control(CMSG_NXTHDR(&message, control), IP_TOS, outer_tos(packet.inner[1]));
    }
    for (size_t next = 0; next < count;) {
      const int done =
          sendmmsg(socket_.get(), &writes_[next], static_cast<unsigned>(count - next), 0);
      if (done < 0 && errno == EINTR) continue;
      sent += static_cast<size_t>(std::max(done, 0));
      next += static_cast<size_t>(std::max(done, 1));  // pass over the one that was refused
    }
  }
  return sent;
}

Result<void> OuterSocket::receive(std::vector<Bytes>& inner, size_t& malformed) {
  const int got = recvmmsg(socket_.get(), reads_.data(), batch, MSG_DONTWAIT, nullptr);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return Error::from_errno(errno, "read from the tunnel's raw socket");
  }
  for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
    const Bytes outer = slots_.part(i * slot_bytes, reads_[i].msg_len);
    if (auto packet = decapsulate(outer)) {
      inner.push_back(*packet);
    } else {
      ++malformed;
    }
  }
  return {};
}

}  // namespace hoplab::tunnel
