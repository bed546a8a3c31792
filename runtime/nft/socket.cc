#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "runtime/base/text.h"
#include "runtime/nft/transaction.h"

namespace hoplab::nft {

namespace {

constexpr size_t receive_bytes = 128U << 10U;
// The kernel refuses a message longer than the send buffer less this.
constexpr size_t send_buffer_reserve = 32;

struct ReceiveBuffer {
  alignas(8) std::array<char, receive_bytes> bytes;
};

/// One message to the kernel; it gathers the pieces itself.
Result<void> send_all(int fd, std::span<const std::string_view> pieces) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  std::vector<iovec> parts;
  size_t total = 0;
  for (std::string_view piece : pieces) {
    parts.push_back({const_cast<char*>(piece.data()), piece.size()});  // NOLINT: only read
    total += piece.size();
  }
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (::sendmsg(fd, &message, 0) < 0) {
    return Error::from_errno(errno, str("sending ", total, " bytes to nftables"));
  }
  return {};
}

/// The answer to a request that has been sent is already queued or being made by the kernel.
Result<size_t> receive(int fd, ReceiveBuffer& buffer, bool wait) {
  for (;;) {
    const ssize_t got =
        ::recv(fd, buffer.bytes.data(), buffer.bytes.size(), wait ? 0 : MSG_DONTWAIT);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) return size_t{0};
    if (errno != EINTR) return Error::from_errno(errno, "reading nftables' answer");
  }
}

int error_of(const nlmsghdr* message) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return EBADMSG;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
}

std::span<const std::byte> bytes_of(const nlmsghdr* message) {
  return {reinterpret_cast<const std::byte*>(message), message->nlmsg_len};  // NOLINT
}

}  // namespace

Result<NftSocket> NftSocket::open() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd) return Error::from_errno(errno, "opening a netfilter socket");
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) < 0) {  // NOLINT
    return Error::from_errno(errno, "binding a netfilter socket");
  }
  const int on = 1;
  // An error answer then carries only the header of the message it is about.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  const int room = 4 << 20;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }
  NftSocket socket(std::move(fd));
  // Refused without CAP_NET_RAW; then only rules with set matches fail, and say so.
  socket.ip_ = Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  return socket;
}

Result<NftSocket> NftSocket::open_in(int netns_fd) {
  HOP_TRY(const Fd home, open_fd("/proc/thread-self/ns/net", O_RDONLY));
  if (::setns(netns_fd, CLONE_NEWNET) < 0) {
    return Error::from_errno(errno, "entering a network namespace");
  }
  auto socket = open();
  // A thread left in the wrong namespace would go on to change the wrong machine.
  if (::setns(home.get(), CLONE_NEWNET) < 0) std::abort();
  return socket;
}

size_t NftSocket::room_for(size_t wanted) {
  int size = 0;
  socklen_t length = sizeof size;
  const size_t need = wanted + (64U << 10U);
  ::getsockopt(netlink_.get(), SOL_SOCKET, SO_SNDBUF, &size, &length);
  if (static_cast<size_t>(size) < need) {
    const auto request = static_cast<int>(std::min<size_t>(need, 1U << 30U));
    if (::setsockopt(netlink_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &request, sizeof request) < 0) {
      ::setsockopt(netlink_.get(), SOL_SOCKET, SO_SNDBUF, &request, sizeof request);
    }
    ::getsockopt(netlink_.get(), SOL_SOCKET, SO_SNDBUF, &size, &length);
  }
  return std::min(static_cast<size_t>(size) - send_buffer_reserve, room_limit_);
}

Result<void> NftSocket::dump(const std::string& request, const MessageHandler& handler) {
  const std::string_view whole = request;
  HOP_CHECK(send_all(netlink_.get(), {&whole, 1}));
  auto buffer = std::make_unique<ReceiveBuffer>();
  bool interrupted = false;
  std::optional<Error> failure;  // Kept while the rest of the answer is read, or it would stay.
  for (;;) {
    HOP_TRY(const size_t got, receive(netlink_.get(), *buffer, true));
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer->bytes.data());  // NOLINT
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != sequence_) continue;
      interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const int error = error_of(message);
        if (error == 0) return {};
        return Error::from_errno(error, "listing nftables objects");
      }
      if (message->nlmsg_type == NLMSG_DONE) {
        if (failure) return *std::move(failure);
        if (interrupted) return Error(ErrorCode::conflict, "rules changed while they were listed");
        return {};
      }
      if (failure) continue;
      if (auto handled = handler(bytes_of(message)); !handled) failure = handled.error();
    }
  }
}

Result<bool> NftSocket::send_batch(
    const std::array<std::string_view, 3>& pieces,
    const std::function<void(uint32_t sequence, int error)>& on_error) {
  HOP_CHECK(send_all(netlink_.get(), pieces));
  // sendmsg() returned: the kernel has committed or refused, and all answers are queued.
  auto buffer = std::make_unique<ReceiveBuffer>();
  bool acknowledged = false;
  for (;;) {
    HOP_TRY(const size_t got, receive(netlink_.get(), *buffer, false));
    if (got == 0) return acknowledged;
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer->bytes.data());  // NOLINT
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      const int error = error_of(message);
      if (error != 0) {
        on_error(message->nlmsg_seq, error);
      } else {
        acknowledged = true;
      }
    }
  }
}

Result<uint16_t> NftSocket::set_index(const std::string& name) {
  if (!ip_) return Error(ErrorCode::forbidden, "looking up ipset " + name + ": no raw socket");
  ip_set_req_get_set request{};
  request.op = IP_SET_OP_GET_BYNAME;
  request.version = IPSET_PROTOCOL;
  name.copy(request.set.name, IPSET_MAXNAMELEN - 1);
  socklen_t length = sizeof request;
  if (::getsockopt(ip_.get(), SOL_IP, SO_IP_SET, &request, &length) < 0) {
    return Error::from_errno(errno, "looking up ipset " + name);
  }
  if (request.set.index == IPSET_INVALID_ID) {
    return Error(ErrorCode::not_found, "ipset " + name + " does not exist");
  }
  return request.set.index;
}

}  // namespace hoplab::nft
