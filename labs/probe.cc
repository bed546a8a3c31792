#include "labs/probe.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"

namespace hoplab::labs {

namespace {

sockaddr_in socket_address(Ipv4 ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = ip.network_order();
  return address;
}

uint16_t checksum(const uint8_t* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += uint32_t{data[i]} << 8U | data[i + 1];
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

PingAnswer answer_of_errno(int number) {
  if (number == EHOSTUNREACH) return PingAnswer::host_unreachable;
  if (number == ENETUNREACH) return PingAnswer::net_unreachable;
  return PingAnswer::refused;
}

/// Milliseconds until `end`, at least 0.
int left(SteadyTime end) {
  auto rest = std::chrono::duration_cast<Millis>(end - SystemClock().steady()).count();
  return rest > 0 ? static_cast<int>(rest) : 0;
}

/// The error that an ICMP message or failed ARP left on the socket.
std::optional<int> queued_error(int fd) {
  std::array<char, 512> data{};
  alignas(cmsghdr) std::array<char, 512> control{};
  iovec part{data.data(), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_IP || each->cmsg_type != IP_RECVERR) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(each), sizeof error);
    return static_cast<int>(error.ee_errno);
  }
  return std::nullopt;
}

bool is_reply(const uint8_t* data, size_t size, uint16_t id) {
  if (size < 20) return false;
  const size_t head = size_t{data[0] & 0xfU} * 4;
  if (size < head + 8) return false;
  const uint8_t* icmp = data + head;
  return icmp[0] == ICMP_ECHOREPLY && icmp[4] == (id >> 8U) && icmp[5] == (id & 0xffU);
}

}  // namespace

Result<Fd> probe_socket(int netns_fd, int type, int protocol) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd));
  Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) return Error::from_errno(errno, "opening a socket for a probe");
  return fd;
}

Millis ping_patience(std::string_view answer) {
  return answer == "host-unreachable" ? Millis(5000) : Millis(1000);
}

Result<PingAnswer> ping(int netns_fd, Ipv4 to, Millis patience) {
  HOP_TRY(Fd fd, probe_socket(netns_fd, SOCK_RAW, IPPROTO_ICMP));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_IP, IP_RECVERR, &on, sizeof on);
  const sockaddr_in address = socket_address(to, 0);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return answer_of_errno(errno);
  }
  const auto id = static_cast<uint16_t>(::getpid());
  std::array<uint8_t, 64> request{};
  request[0] = ICMP_ECHO;
  request[4] = static_cast<uint8_t>(id >> 8U);
  request[5] = static_cast<uint8_t>(id);
  request[7] = 1;
  const uint16_t sum = checksum(request.data(), request.size());
  request[2] = static_cast<uint8_t>(sum >> 8U);
  request[3] = static_cast<uint8_t>(sum);
  if (::send(fd.get(), request.data(), request.size(), 0) < 0) return answer_of_errno(errno);
  const SteadyTime end = SystemClock().steady() + patience;
  std::array<uint8_t, 1500> answer{};
  for (;;) {
    pollfd waiting{fd.get(), POLLIN, 0};
    const int rest = left(end);
    if (::poll(&waiting, 1, rest) == 0 && rest == 0) return PingAnswer::silence;
    if (auto error = queued_error(fd.get())) return answer_of_errno(*error);
    const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (size > 0 && is_reply(answer.data(), static_cast<size_t>(size), id)) {
      return PingAnswer::reply;
    }
  }
}

Result<std::string> get_page(int netns_fd, Ipv4 to, uint16_t port) {
  const std::string what = str("http://", to_string(to), ':', port, '/');
  HOP_TRY(Fd fd, probe_socket(netns_fd, SOCK_STREAM, 0));
  const sockaddr_in address = socket_address(to, port);
  const SteadyTime end = SystemClock().steady() + Millis(2000);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    return Error::from_errno(errno, what);
  }
  pollfd waiting{fd.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, left(end)) != 1) {
    return Error(ErrorCode::timed_out, what + ": no answer to the SYN within 2 s");
  }
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return Error::from_errno(failed, what);
  HOP_CHECK(write_all(fd.get(), str("GET / HTTP/1.0\r\nHost: ", to_string(to), "\r\n\r\n")));
  std::string page;
  std::array<char, 4096> part{};
  while (page.size() < (64U << 10U)) {
    waiting = {fd.get(), POLLIN, 0};
    if (::poll(&waiting, 1, left(end)) != 1) {
      return Error(ErrorCode::timed_out, what + ": connected, but no page within 2 s");
    }
    const ssize_t got = ::recv(fd.get(), part.data(), part.size(), 0);
    if (got < 0) return Error::from_errno(errno, what);
    if (got == 0) break;
    page.append(part.data(), static_cast<size_t>(got));
  }
  return page;
}

}  // namespace hoplab::labs
