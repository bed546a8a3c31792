#include "cmd/service_health.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>

#include "runtime/base/fd.h"
#include "web/http_server.h"

namespace hoplab::cmd {
namespace {

using ::testing::HasSubstr;

/// The whole answer to GET /, or "" when nobody listens.
std::string ask(uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
  EXPECT_TRUE(write_all(fd.get(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return read_all(fd.get(), 65536).value_or("");
}

uint16_t free_port() {
  auto listener = web::listen_tcp(Ipv4(127, 0, 0, 1), 0);
  return *web::local_port(listener->get());
}

TEST(ServiceHealthServers, AnswerAsKubeProxyDoes) {
  std::atomic<bool> healthy{true};
  ServiceHealthServers servers([&] { return healthy.load(); }, Log("test", 2, LogLevel::error));
  const uint16_t port = free_port();
  servers.set({{port, {"shop", "web", 2}}});
  std::string answer = ask(port);
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("X-Load-Balancing-Endpoint-Weight: 2"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(answer, HasSubstr("\"localEndpoints\": 2"));
  EXPECT_THAT(answer, HasSubstr("\"serviceProxyHealthy\": true"));
  EXPECT_THAT(answer, HasSubstr("\"namespace\": \"shop\""));
  servers.set({{port, {"shop", "web", 0}}});
  EXPECT_THAT(ask(port), HasSubstr("HTTP/1.1 503 "));
  servers.set({{port, {"shop", "web", 1}}});
  EXPECT_THAT(ask(port), HasSubstr("HTTP/1.1 200 "));
  healthy = false;
  EXPECT_THAT(ask(port), HasSubstr("HTTP/1.1 503 "));
  servers.set({});
  EXPECT_EQ(ask(port), "") << "nobody listens any more";
}

}  // namespace
}  // namespace hoplab::cmd
