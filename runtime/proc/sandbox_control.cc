#include "runtime/proc/sandbox_control.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr Millis answer_timeout{10000};
constexpr int ports_to_try = 100;

}  // namespace

Result<SandboxControl> SandboxControl::connect(const std::string& socket_path) {
  auto socket = MessageSocket::connect(socket_path);
  if (!socket) {
    return Error(ErrorCode::unavailable,
                 "sandbox-init does not answer at " + socket_path + " (see sandbox.log there)");
  }
  return SandboxControl(*std::move(socket));
}

Result<Message> SandboxControl::call(const Json& request) {
  auto sent = socket_.send(request);
  auto received = sent ? socket_.receive(answer_timeout)
                       : Result<std::optional<Message>>(std::move(sent).error());
  if (!received) {
    return Error(received.error().code(), "sandbox-init ended or broke off (see sandbox.log)");
  }
  auto& answer = *received;
  if (!answer) {
    return Error(ErrorCode::timed_out, "sandbox-init gave no answer within 10 seconds");
  }
  if (auto error = error_from_json(answer->body)) return *std::move(error);
  return *std::move(answer);
}

Result<Json> SandboxControl::status() {
  HOP_TRY(Message answer, call({{"request", "status"}}));
  return std::move(answer.body);
}

Result<Entrance> SandboxControl::enter(const std::string& host) {
  HOP_TRY(Message answer, call({{"request", "enter"}, {"host", host}}));
  const Json& kinds = member(answer.body, "namespaces");
  if (!kinds.is_array() || kinds.size() != answer.descriptors.size()) {
    return Error(ErrorCode::internal, "sandbox-init's answer to enter lacks descriptors");
  }
  Entrance entrance;
  entrance.host = string_or(answer.body, "host");
  for (size_t i = 0; i < kinds.size(); ++i) {
    std::string kind = kinds[i].is_string() ? kinds[i].get<std::string>() : "?";
    entrance.namespaces.add(std::move(kind), std::move(answer.descriptors[i]));
  }
  return entrance;
}

Result<Fd> listen_for_control(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return Error(ErrorCode::invalid, str("the path ", socket_path, " is too long for a socket (",
                                         sizeof(address.sun_path) - 1, " bytes at most)"));
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::chmod(socket_path.c_str(), 0600) != 0 || ::listen(fd.get(), 16) != 0) {
    return Error::from_errno(errno, "listening at " + socket_path);
  }
  return fd;
}

Result<LoopbackListener> listen_on_loopback(uint16_t first_port) {
  int why = 0;
  for (int port = first_port; port < first_port + ports_to_try && port <= 65535; ++port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return Error::from_errno(errno, "making a TCP socket");
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Taken ports show at bind() or, when another has only bound it so far, at listen().
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
        ::listen(fd.get(), SOMAXCONN) == 0) {
      return LoopbackListener{std::move(fd), static_cast<uint16_t>(port)};
    }
    why = errno;
  }
  return Error::from_errno(why, str("listening on 127.0.0.1, ports ", first_port, " to ",
                                    first_port + ports_to_try - 1));
}

}  // namespace hoplab::proc
