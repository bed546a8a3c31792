#include "runtime/engine/tcp_relay.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace hoplab::engine {

namespace {

constexpr int most_connections = 200;
constexpr size_t piece = 32U << 10U;

Result<Fd> dial(RelayTarget target) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "opening a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  address.sin_addr.s_addr = target.ip.network_order();
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error::from_errno(errno, str("connecting to ", to_string(target.ip), ":", target.port));
  }
  return fd;
}

/// One direction, to its end.
void carry(int from, int to) {
  std::array<char, piece> buffer;
  for (;;) {
    const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || !write_all(to, std::string_view(buffer.data(), static_cast<size_t>(got)))) {
      break;
    }
  }
  ::shutdown(from, SHUT_RD);
  ::shutdown(to, SHUT_WR);
}

/// A thread for each direction: one that is held up must not hold up the other.
void relay(const Fd& client, const Fd& server) {
  const auto up = start_thread("relay-up", end_thread, [&] { carry(client.get(), server.get()); });
  carry(server.get(), client.get());
}

}  // namespace

Result<void> relay_connections(const Fd& listener, RelayTarget target, int until) {
  auto open = std::make_shared<std::atomic<int>>(0);
  for (;;) {
    std::array<pollfd, 2> waiting{pollfd{listener.get(), POLLIN, 0}, pollfd{until, POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "waiting for connections");
    }
    if (waiting[1].revents != 0) return {};
    if (waiting[0].revents == 0) continue;
    auto client = std::make_shared<Fd>(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!*client || *open >= most_connections) continue;
    ++*open;
    start_thread("relay", end_thread, [client, target, open] {
      if (auto server = dial(target)) relay(*client, *server);
      --*open;
    }).detach();
  }
}

}  // namespace hoplab::engine
