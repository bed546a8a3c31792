#include "runtime/proc/container_wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr char last_packet = 0;
constexpr char more_packets = 1;

Error peer_closed() {
  return Error(ErrorCode::unavailable, "the other end has closed the connection to node-init");
}

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Error(ErrorCode::invalid, str("socket path \"", path, "\" is empty or too long (",
                                         sizeof(address.sun_path) - 1, " bytes at most)"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// One sendmsg(2); false when the peer's buffer is full.
Result<bool> send_packet(int fd, std::string_view packet, const std::vector<int>& descriptors,
                         int flags) {
  iovec data{const_cast<char*>(packet.data()), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_descriptors)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
  }
  for (;;) {
    if (::sendmsg(fd, &message, flags | MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == EPIPE || errno == ECONNRESET) return peer_closed();
    return Error::from_errno(errno, "sending a message");
  }
}

void take_descriptors(msghdr& message, std::vector<Fd>& out) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      out.emplace_back(fd);
    }
  }
}

}  // namespace

Result<std::optional<Json>> MessageAssembler::feed(std::string_view packet) {
  if (packet.empty() || (packet[0] != last_packet && packet[0] != more_packets)) {
    return Error(ErrorCode::bad_request, "message: not a packet of this protocol");
  }
  if (text_.size() + packet.size() - 1 > max_message) {
    return Error(ErrorCode::too_large, str("message: more than ", max_message, " bytes"));
  }
  if (packet[0] == more_packets || !text_.empty()) text_.append(packet.substr(1));
  if (packet[0] == more_packets) return std::optional<Json>{};
  std::string_view text = text_.empty() ? packet.substr(1) : std::string_view(text_);
  HOP_TRY(Json body, parse_json(text).context("message"));
  text_.clear();
  text_.shrink_to_fit();
  if (!body.is_object()) return Error(ErrorCode::bad_request, "message: expected a JSON object");
  return std::optional<Json>(std::move(body));
}

Result<std::vector<std::string>> to_packets(const Json& body) {
  std::string text = dump_json(body);
  if (text.size() > max_message) {
    return Error(ErrorCode::too_large,
                 str("message of ", text.size(), " bytes; at most ", max_message, " are allowed"));
  }
  std::vector<std::string> packets;
  std::string_view rest = text;
  do {
    std::string_view part = rest.substr(0, max_packet - 1);
    rest.remove_prefix(part.size());
    std::string& packet = packets.emplace_back(1, rest.empty() ? last_packet : more_packets);
    packet.append(part);
  } while (!rest.empty());
  return packets;
}

Json error_to_json(const Error& error) {
  return {{"error", {{"code", to_string(error.code())}, {"message", error.message()}}}};
}

std::optional<Error> error_from_json(const Json& body) {
  const Json& error = member(body, "error");
  if (!error.is_object()) return std::nullopt;
  std::string name = string_or(error, "code");
  ErrorCode code = ErrorCode::internal;
  for (int i = 0; i <= static_cast<int>(ErrorCode::system); ++i) {
    if (to_string(static_cast<ErrorCode>(i)) == name) code = static_cast<ErrorCode>(i);
  }
  return Error(code, string_or(error, "message", "node-init gave no reason"));
}

Result<Fd> listen_at(const std::string& path, int flags) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error(ErrorCode::invalid, "socket path " + path + " is longer than 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!listener) return Error::from_errno(errno, "making a unix socket");
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::umask(before);
  if (bound != 0 || ::listen(listener.get(), 64) != 0) {
    return Error::from_errno(errno, "listening on " + path);
  }
  return listener;
}

bool is_own_user(int fd) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == ::geteuid();
}

Result<MessageSocket> MessageSocket::connect(const std::string& path) {
  HOP_TRY(sockaddr_un address, socket_address(path));
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "making a unix socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return Error(ErrorCode::unavailable,
                 Error::from_errno(errno, "connecting to node-init at " + path).message());
  }
  return MessageSocket(std::move(fd));
}

Result<void> MessageSocket::send(const Json& body, const std::vector<int>& descriptors) {
  if (descriptors.size() > max_descriptors) {
    return Error(ErrorCode::internal, "too many descriptors for one message");
  }
  HOP_TRY(auto packets, to_packets(body));
  for (size_t i = 0; i < packets.size();) {
    HOP_TRY(bool sent,
            send_packet(fd_.get(), packets[i], i == 0 ? descriptors : std::vector<int>{}, 0));
    if (sent) {
      ++i;
      continue;
    }
    pollfd waiting{fd_.get(), POLLOUT, 0};
    ::poll(&waiting, 1, -1);
  }
  return {};
}

Result<std::optional<Message>> MessageSocket::receive_ready() {
  std::array<char, max_packet> buffer;
  for (;;) {
    iovec data{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_descriptors)> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t n = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Message>{};
    if (n < 0 && errno != ECONNRESET) return Error::from_errno(errno, "receiving a message");
    take_descriptors(message, descriptors_);
    if (n <= 0) return peer_closed();
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        descriptors_.size() > max_descriptors) {
      return Error(ErrorCode::bad_request, "message: packet or descriptor list too long");
    }
    HOP_TRY(auto body, assembler_.feed(std::string_view(buffer.data(), static_cast<size_t>(n))));
    if (!body) continue;
    Message complete{*std::move(body), std::move(descriptors_)};
    descriptors_.clear();
    return std::optional<Message>(std::move(complete));
  }
}

Result<std::optional<Message>> MessageSocket::receive(Millis timeout) {
  SteadyTime end = SystemClock().steady() + timeout;
  for (;;) {
    HOP_TRY(auto message, receive_ready());
    if (message) return message;
    auto left = std::chrono::ceil<Millis>(end - SystemClock().steady());
    if (left.count() <= 0) return std::optional<Message>{};
    pollfd waiting{fd_.get(), POLLIN, 0};
    int most = left.count() > 1'000'000 ? 1'000'000 : static_cast<int>(left.count());
    if (::poll(&waiting, 1, most) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "waiting for a message");
    }
  }
}

Result<void> MessageSocket::queue(const Json& body, std::vector<Fd> descriptors) {
  HOP_TRY(auto packets, to_packets(body));
  for (std::string& packet : packets) {
    outgoing_bytes_ += packet.size();
    outgoing_.push_back({std::move(packet), std::move(descriptors)});
    descriptors.clear();
  }
  if (outgoing_bytes_ > 2 * max_message) {
    return Error(ErrorCode::too_large, "the peer does not read its messages");
  }
  return flush();
}

Result<void> MessageSocket::flush() {
  while (!outgoing_.empty()) {
    std::vector<int> descriptors;
    for (const Fd& fd : outgoing_.front().descriptors) descriptors.push_back(fd.get());
    HOP_TRY(bool sent, send_packet(fd_.get(), outgoing_.front().packet, descriptors, MSG_DONTWAIT));
    if (!sent) return {};
    outgoing_bytes_ -= outgoing_.front().packet.size();
    outgoing_.pop_front();
  }
  return {};
}

}  // namespace hoplab::proc
