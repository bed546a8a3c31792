#include "runtime/engine/tcp_relay.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace hoplab::engine {
namespace {

struct Listener {
  Fd fd;
  uint16_t port = 0;
};

Listener listen_on_loopback() {
  Listener out{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(out.fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(out.fd.get(), 8), 0);
  ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  out.port = ntohs(address.sin_port);
  return out;
}

Fd dial(uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

/// Gives back what it gets until the end, for one connection.
void echo(const Fd& listener) {
  const Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::array<char, 65536> buffer;
  for (ssize_t n = 0; (n = ::read(client.get(), buffer.data(), buffer.size())) > 0;) {
    if (!write_all(client.get(), std::string_view(buffer.data(), static_cast<size_t>(n)))) return;
  }
}

TEST(TcpRelay, BothDirectionsAtOnceAndTheEndOfEach) {
  const Listener server = listen_on_loopback();
  const Listener published = listen_on_loopback();
  Pipe until = *make_pipe();
  std::jthread echoing([&] { echo(server.fd); });
  std::jthread relaying([&] {
    EXPECT_TRUE(
        relay_connections(published.fd, {Ipv4(127, 0, 0, 1), server.port}, until.read_end.get()));
  });
  const Fd client = dial(published.port);
  // More than all buffers on the way hold: nothing may wait for us to read first.
  const std::string sent(24U << 20U, 'x');
  std::jthread writing([&] {
    EXPECT_TRUE(write_all(client.get(), sent));
    ::shutdown(client.get(), SHUT_WR);
  });
  EXPECT_EQ(read_all(client.get(), sent.size() + 1).value_or(""), sent);
  until.write_end.reset();
}

}  // namespace
}  // namespace hoplab::engine
