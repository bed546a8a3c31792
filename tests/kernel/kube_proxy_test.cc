#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <thread>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"
#include "runtime/reconcile/proxy.h"
#include "store/registry.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

using namespace std::chrono_literals;

constexpr Ipv4 pod_a(172, 16, 158, 1), pod_b(172, 16, 184, 1);
constexpr uint16_t pod_port = 8080, node_port = 30080;

sockaddr_in to_sockaddr(Ipv4 ip, uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = ip.network_order();
  return out;
}
const sockaddr* raw(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API
}

Fd socket_in(int netns_fd, int type) {
  auto guard = NetnsGuard::enter(netns_fd);
  Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval wait{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  return fd;
}

/// Answers every TCP connection and UDP packet in a pod's namespace with the pod's name.
class EchoPod {
 public:
  EchoPod(int netns_fd, std::string name) : name_(std::move(name)) {
    tcp_ = socket_in(netns_fd, SOCK_STREAM);
    udp_ = socket_in(netns_fd, SOCK_DGRAM);
    const sockaddr_in any = to_sockaddr(Ipv4(), pod_port);
    EXPECT_EQ(::bind(tcp_.get(), raw(any), sizeof any), 0);
    EXPECT_EQ(::listen(tcp_.get(), 64), 0);
    EXPECT_EQ(::bind(udp_.get(), raw(any), sizeof any), 0);
    thread_ = std::thread([this] { serve(); });
  }
  EchoPod(const EchoPod&) = delete;
  EchoPod& operator=(const EchoPod&) = delete;
  ~EchoPod() {
    stopping_ = true;
    thread_.join();
  }

 private:
  void serve() {
    std::array<pollfd, 2> waits{pollfd{tcp_.get(), POLLIN, 0}, pollfd{udp_.get(), POLLIN, 0}};
    while (!stopping_) {
      if (::poll(waits.data(), waits.size(), 20) <= 0) continue;
      if ((waits[0].revents & POLLIN) != 0) {
        const Fd client(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ::send(client.get(), name_.data(), name_.size(), MSG_NOSIGNAL);
      }
      if ((waits[1].revents & POLLIN) != 0) {
        std::array<char, 64> packet;
        sockaddr_in from{};
        socklen_t length = sizeof from;
        ::recvfrom(udp_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from),
                   &length);
        ::sendto(udp_.get(), name_.data(), name_.size(), 0, raw(from), sizeof from);
      }
    }
  }

  std::string name_;
  Fd tcp_;
  Fd udp_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// A node with two pods behind it, an API in this process, and a kube-proxy on the node's kernel.
class KubeProxy : public test::SandboxNetns {
 protected:
  void SetUp() override {
    SandboxNetns::SetUp();
    if (IsSkipped()) return;
    connect_pod(a_, pod_a, "a");
    connect_pod(b_, pod_b, "b");
    // A node has a default route; without any, packets to a service would not even start.
    test::must_apply(
        netns(),
        {{"", RouteReplace{{.destination = Prefix(Ipv4(), 0), .gateway = pod_a, .link = "cali-a"}},
          "test"}});
    echo_a_.emplace(a_.get(), "a");
    echo_b_.emplace(b_.get(), "b");
    store_ = ObjectStore::open(dir_.file("store.db"), {}).value();
    registry_ = Registry::open(*store_, clock_, {}).value();
    (void)registry_->create(api::kind_of("Namespace"), "", {{"metadata", {{"name", "default"}}}});
  }
  void TearDown() override {
    if (proxy_) {
      proxy_->stop();
      thread_.join();
    }
    echo_a_.reset();
    echo_b_.reset();
    SandboxNetns::TearDown();
  }

  void connect_pod(Fd& pod, Ipv4 ip, const std::string& name) {
    pod = make_host();
    const Ipv4 gateway(ip.value() + 253);
    test::must_apply(
        netns(),
        {{"", VethAdd{{.name = "cali-" + name, .up = true}, {.name = "eth0"}, name}, "t"},
         {"", AddressAdd{{.link = "cali-" + name, .prefix = Prefix(gateway, 24)}}, "t"}},
        pod.get());
    test::must_apply(
        pod.get(),
        {{"", LinkSet{.name = "eth0", .up = true}, "t"},
         {"", AddressAdd{{.link = "eth0", .prefix = Prefix(ip, 24)}}, "t"},
         {"", RouteReplace{{.destination = Prefix(Ipv4(), 0), .gateway = gateway, .link = "eth0"}},
          "t"}});
  }

  void start_proxy(Millis resync = Millis(30000)) {
    kernel_ = reconcile::make_proxy_kernel().value();
    reconcile::ProxyOptions options;
    options.config.node = "k8s-w1";
    options.resync = resync;
    proxy_.emplace(*registry_, *kernel_, options, Log("kube-proxy", 2, LogLevel::warning));
    thread_ = std::thread([this] { proxy_->run(); });
    ASSERT_TRUE(test::eventually([&] { return proxy_->healthy(); }));
  }

  /// Makes the service with its endpoints; returns its address.
  Ipv4 create_service(const std::string& protocol_name, const std::vector<Ipv4>& endpoints) {
    Json port = {{"port", 80}, {"protocol", protocol_name}, {"name", "p"}};
    if (protocol_name == "TCP") port["nodePort"] = node_port;
    auto made = registry_->create(
        api::kind_of("Service"), "default",
        {{"metadata", {{"name", "web"}}}, {"spec", {{"type", "NodePort"}, {"ports", {port}}}}});
    EXPECT_TRUE(made) << made.error().message();
    set_endpoints(protocol_name, endpoints);
    return Ipv4::parse(string_or(member(*made, "spec"), "clusterIP")).value();
  }
  void set_endpoints(const std::string& protocol_name, const std::vector<Ipv4>& endpoints) {
    Json list = Json::array();
    for (Ipv4 ip : endpoints) {
      list.push_back({{"addresses", {to_string(ip)}}, {"conditions", {{"ready", true}}}});
    }
    const Json slice = {
        {"metadata", {{"name", "web-x"}, {"labels", {{"kubernetes.io/service-name", "web"}}}}},
        {"addressType", "IPv4"},
        {"ports", {{{"name", "p"}, {"port", pod_port}, {"protocol", protocol_name}}}},
        {"endpoints", list}};
    const api::Kind& kind = api::kind_of("EndpointSlice");
    auto done = registry_->create(kind, "default", slice);
    if (!done) done = registry_->update(kind, "default", "web-x", slice);
    EXPECT_TRUE(done) << done.error().message();
  }

  /// Who answered, or the errno's name.
  std::string ask_tcp(Ipv4 ip, uint16_t port) const {
    const Fd fd = socket_in(netns(), SOCK_STREAM);
    const sockaddr_in to = to_sockaddr(ip, port);
    if (::connect(fd.get(), raw(to), sizeof to) != 0) return errno_name(errno);
    std::array<char, 16> answer;
    const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
    return got < 0 ? errno_name(errno) : std::string(answer.data(), static_cast<size_t>(got));
  }
  static std::string ask_udp(const Fd& fd, Ipv4 ip) {
    const sockaddr_in to = to_sockaddr(ip, 80);
    if (::sendto(fd.get(), "?", 1, 0, raw(to), sizeof to) < 0) return errno_name(errno);
    std::array<char, 16> answer;
    const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
    return got < 0 ? errno_name(errno) : std::string(answer.data(), static_cast<size_t>(got));
  }

  static std::string output_of(const std::string& command) {
    std::string text;
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"), ::pclose);
    std::array<char, 4096> buffer;
    while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
      text.append(buffer.data(), got);
    }
    return text;
  }

  Fd a_;
  Fd b_;
  std::optional<EchoPod> echo_a_;
  std::optional<EchoPod> echo_b_;
  TestDir dir_;
  SystemClock clock_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<reconcile::ProxyKernel> kernel_;
  std::optional<reconcile::Proxy> proxy_;
  std::thread thread_;
};

TEST_F(KubeProxy, EveryEndpointAnswersAtTheClusterIpAndTheNodePort) {
  const Ipv4 vip = create_service("TCP", {pod_a, pod_b});
  start_proxy();
  std::set<std::string> answers;
  for (int i = 0; i < 40; ++i) answers.insert(ask_tcp(vip, 80));
  EXPECT_EQ(answers, (std::set<std::string>{"a", "b"}));
  const Ipv4 node_address(pod_a.value() + 253);
  const std::string by_node_port = ask_tcp(node_address, node_port);
  EXPECT_TRUE(by_node_port == "a" || by_node_port == "b") << by_node_port;
  // A client inside a pod, which reaches itself, too (hairpin).
  answers.clear();
  for (int i = 0; i < 40; ++i) {
    const Fd fd = socket_in(a_.get(), SOCK_STREAM);
    const sockaddr_in to = to_sockaddr(vip, 80);
    ASSERT_EQ(::connect(fd.get(), raw(to), sizeof to), 0) << errno_name(errno);
    char answer = '?';
    ASSERT_EQ(::recv(fd.get(), &answer, 1, 0), 1);
    answers.insert(std::string(1, answer));
  }
  EXPECT_EQ(answers, (std::set<std::string>{"a", "b"}));
}

TEST_F(KubeProxy, TheNodePortIsHeld) {
  create_service("TCP", {pod_a});
  start_proxy();
  const Fd fd = socket_in(netns(), SOCK_STREAM);
  const sockaddr_in any = to_sockaddr(Ipv4(), node_port);
  EXPECT_EQ(::bind(fd.get(), raw(any), sizeof any), -1);
  EXPECT_EQ(errno, EADDRINUSE);
  ASSERT_TRUE(registry_->remove(api::kind_of("Service"), "default", "web"));
  EXPECT_TRUE(test::eventually([&] { return ::bind(fd.get(), raw(any), sizeof any) == 0; }));
}

TEST_F(KubeProxy, WithoutEndpointsClientsAreRefusedAtOnce) {
  const Ipv4 vip = create_service("TCP", {});
  start_proxy();
  EXPECT_EQ(ask_tcp(vip, 80), "ECONNREFUSED");
  set_endpoints("TCP", {pod_b});
  EXPECT_TRUE(test::eventually([&] { return ask_tcp(vip, 80) == "b"; }));
}

TEST_F(KubeProxy, AUdpClientFollowsWhenItsEndpointIsReplaced) {
  const Ipv4 vip = create_service("UDP", {pod_a});
  start_proxy();
  const Fd client = socket_in(netns(), SOCK_DGRAM);
  EXPECT_EQ(ask_udp(client, vip), "a");
  const size_t rounds = proxy_->rounds();
  set_endpoints("UDP", {pod_b});
  ASSERT_TRUE(test::eventually([&] { return proxy_->rounds() > rounds; }));
  EXPECT_EQ(ask_udp(client, vip), "b");
}

TEST_F(KubeProxy, RulesDeletedByHandComeBackWithAnEvent) {
  const Ipv4 vip = create_service("TCP", {pod_a});
  start_proxy(Millis(300));
  if (output_of("iptables --version").find("nf_tables") == std::string::npos) {
    GTEST_SKIP() << "iptables (nf_tables) is not installed: apt-get install iptables";
  }
  EXPECT_EQ(output_of("iptables -t nat -F KUBE-SERVICES"), "");
  EXPECT_NE(ask_tcp(vip, 80), "a");
  EXPECT_TRUE(test::eventually([&] { return ask_tcp(vip, 80) == "a"; }));
  std::string message;
  EXPECT_TRUE(test::eventually([&] {
    auto events = registry_->list(api::kind_of("Event"), {});
    if (!events || events->items.empty()) return false;
    message = string_or(events->items[0], "message");
    return true;
  }));
  EXPECT_THAT(message, testing::HasSubstr("put back 2 rules that somebody removed by hand"));
  EXPECT_THAT(output_of("iptables-save"), testing::Not(testing::HasSubstr("arning")));
}

}  // namespace
}  // namespace hoplab
