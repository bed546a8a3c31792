// How much each way of doing IP in IP costs: round trips and TCP throughput between two pods on
// nodes on different sides of a router, by plain routing and by every variant that works here, in
// turn, in the same run. Prints medians and their ratio to plain routing.
//   tunnel_bench [ROUNDS]
// Bounded: 2,000 echoes and 256 MB or 2 s of TCP per variant and round. In namespaces of its own.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/settle.h"
#include "runtime/plan/block_routes.h"
#include "runtime/plan/pod_network.h"
#include "runtime/plan/tunnel_plan.h"
#include "runtime/tunnel/tunnel.h"

namespace hoplab {
namespace {

using Clock = std::chrono::steady_clock;
using tunnel::Variant;

constexpr int echoes = 2000;
constexpr size_t most_bytes = 256U << 20U;
constexpr auto most_time = std::chrono::seconds(2);

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "tunnel_bench: " << why << "\n";
  std::exit(1);
}
template <typename T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message());
  return std::move(result).value();
}
void must(const Result<void>& result) {
  if (!result) give_up(result.error().message());
}

void apply_in(int netns, const std::vector<Operation>& operations, int peer = -1) {
  auto socket = must(NetlinkSocket::open_in(netns));
  ApplyContext context;
  context.peer_netns = [peer](const std::string&) -> Result<int> { return peer; };
  must(apply_operations(socket, operations, context).status());
}

/// `hoplab tunnel` as a thread.
class Carrier {
 public:
  Carrier(int netns, Variant variant)
      : stop_(eventfd(0, EFD_CLOEXEC)), up_(eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::thread([this, netns, variant] {
      auto inside = must(NetnsGuard::enter(netns));
      tunnel::TunnelOptions options;
      options.only = variant;
      auto opened = must(tunnel::Tunnel::open(options, Log("bench", 2, LogLevel::error)));
      signal(up_);
      must(opened->run(stop_.get()));
    });
    uint64_t value = 0;
    if (read(up_.get(), &value, sizeof value) != sizeof value) give_up("no tunnel");
  }
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  ~Carrier() {
    signal(stop_);
    thread_.join();
  }

 private:
  static void signal(const Fd& fd) {
    const uint64_t one = 1;
    if (write(fd.get(), &one, sizeof one) != sizeof one) give_up("eventfd");
  }
  Fd stop_, up_;
  std::thread thread_;
};

struct Node {
  std::string name;
  Prefix address;
  Ipv4 router;
  Prefix block;
  Fd netns = must(make_netns()), pod = must(make_netns());
  std::unique_ptr<Carrier> carrier;
  [[nodiscard]] Ipv4 pod_ip() const { return block.network() + 1; }
};

/// Two nodes with a pod each and the router between them; plain routes without a variant.
class Network {
 public:
  explicit Network(std::optional<Variant> variant) {
    const auto cidr = [](const char* text) { return must(Prefix::parse(text)); };
    nodes_[0].name = "a";
    nodes_[0].address = cidr("192.168.10.101/24");
    nodes_[0].block = cidr("172.16.158.0/24");
    nodes_[1].name = "b";
    nodes_[1].address = cidr("192.168.20.100/24");
    nodes_[1].block = cidr("172.16.34.0/24");
    apply_in(router_.get(), {{"", SysctlSet{"net/ipv4/ip_forward", "1"}, ""}});
    for (Node& node : nodes_) wire(node);
    for (Node& node : nodes_) route(node, variant);
  }
  Node& operator[](size_t at) { return nodes_[at]; }

 private:
  void wire(Node& node) {
    node.router = node.address.network() + 254;
    VethAdd cable;
    cable.link.name = "to-" + node.name;
    cable.link.up = true;
    cable.peer.name = "eth0";
    cable.peer_netns = node.name;
    const Address end{cable.link.name, Prefix(node.router, 24), {}};
    apply_in(router_.get(), {{"", cable, ""}, {"", AddressAdd{end}, ""}}, node.netns.get());
    LinkSet up;
    up.name = "eth0";
    up.up = true;
    Route everything;
    everything.gateway = node.router;
    everything.link = "eth0";
    apply_in(node.netns.get(), {{"", up, ""},
                                {"", AddressAdd{{"eth0", node.address, {}}}, ""},
                                {"", RouteReplace{everything}, ""},
                                {"", SysctlSet{"net/ipv4/ip_forward", "1"}, ""}});
    plan::PodNetwork pod;
    pod.node_netns = node.name;
    pod.pod_netns = "pod";
    pod.namespace_name = "default";
    pod.pod = "bench";
    pod.ip = node.pod_ip();
    apply_in(node.netns.get(), plan::wire_node_side(pod), node.pod.get());
    apply_in(node.pod.get(), plan::wire_pod_side(pod));
    const std::vector<std::string> ends{plan::host_link_name("default", "bench")};
    must(settle_links(node.netns.get(), ends));
  }

  void route(Node& node, std::optional<Variant> variant) {
    plan::BlockRoutesInput input;
    input.own_node = node.name;
    for (const Node& one : nodes_) {
      input.nodes.push_back({one.name, one.address});
      input.blocks.push_back({one.block, one.name, plan::Encapsulation::always, {}});
    }
    if (!variant) {
      Route block;  // the router knows where the pods are
      block.destination = node.block;
      block.gateway = node.address.address();
      block.link = "to-" + node.name;
      apply_in(router_.get(), {{"", RouteReplace{block}, ""}});
      return;
    }
    node.carrier = std::make_unique<Carrier>(node.netns.get(), *variant);
    auto socket = must(NetlinkSocket::open_in(node.netns.get()));
    plan::TunnelInput wanted;
    wanted.address = Prefix::host(node.block.network());
    for (const Link& link : must(dump_links(socket))) {
      if (link.name == "tunl0")
        apply_in(node.netns.get(), plan::plan_tunnel_link(wanted, &link, {}));
    }
    if (needs_neighbors(*variant)) {
      apply_in(node.netns.get(), plan::plan_tunnel_neighbors(input, {}));
    }
    apply_in(node.netns.get(), plan::plan_block_routes(input, {}).operations);
  }

  Fd router_ = must(make_netns());
  std::array<Node, 2> nodes_;
};

Fd socket_in(const Fd& netns, int type) {
  auto inside = must(NetnsGuard::enter(netns.get()));
  Fd out(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval limit{3, 0};
  setsockopt(out.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(out.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return out;
}

sockaddr_in endpoint(Ipv4 ip, uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = ip.network_order();
  return out;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

uint16_t fold(const std::array<uint8_t, 64>& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) sum += uint32_t{bytes[i]} << 8U | bytes[i + 1];
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

/// Microseconds of an ICMP echo, which the other pod's kernel answers: the median of many.
double round_trip(Network& network) {
  auto inside = must(NetnsGuard::enter(network[0].pod.get()));
  const Fd ping(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  const timeval limit{1, 0};
  setsockopt(ping.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const sockaddr_in to = endpoint(network[1].pod_ip(), 0);
  std::vector<double> times;
  for (int i = 0; i < echoes; ++i) {
    std::array<uint8_t, 64> request{8};
    request[6] = static_cast<uint8_t>(i >> 8);
    request[7] = static_cast<uint8_t>(i);
    const uint16_t sum = fold(request);
    request[2] = static_cast<uint8_t>(sum >> 8U);
    request[3] = static_cast<uint8_t>(sum);
    std::array<uint8_t, 256> reply;
    const auto begin = Clock::now();
    sendto(ping.get(), request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof to);
    if (recv(ping.get(), reply.data(), reply.size(), 0) <= 0) {
      if (i > 10) give_up("an echo was lost");
      continue;  // the first ones may be, while links come up
    }
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  return median(std::move(times));
}

/// Gb/s of one TCP connection.
double throughput(Network& network) {
  const Fd listener = socket_in(network[1].pod, SOCK_STREAM);
  const sockaddr_in to = endpoint(network[1].pod_ip(), 5001);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  if (bind(listener.get(), address, sizeof to) != 0 || listen(listener.get(), 1) != 0) {
    give_up("listen");
  }
  Fd client = socket_in(network[0].pod, SOCK_STREAM);
  if (connect(client.get(), address, sizeof to) != 0) give_up("connect");
  const Fd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto begin = Clock::now();
  std::thread writer([&] {
    const std::string block(1U << 17U, 'x');
    for (size_t done = 0; done < most_bytes && Clock::now() - begin < most_time;) {
      const ssize_t n = send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      done += static_cast<size_t>(n);
    }
    client.reset();
  });
  std::vector<char> sink(1U << 17U);
  size_t total = 0;
  for (ssize_t n = 0; (n = recv(server.get(), sink.data(), sink.size(), 0)) > 0;) {
    total += static_cast<size_t>(n);
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  writer.join();
  return static_cast<double>(total) * 8 / took.count() / 1e9;
}

struct Way {
  std::string name;
  std::optional<Variant> variant;
  bool offload = false;  ///< bpf: with tunl0's offloads turned on again.
  std::vector<double> microseconds, gigabits;
};

void measure(Way& way) {
  Network network(way.variant);
  if (way.offload) {
    for (size_t i : {0U, 1U}) {
      apply_in(network[i].netns.get(), {{"", OffloadSet{"tunl0", true}, ""}});
    }
  }
  way.microseconds.push_back(round_trip(network));
  way.gigabits.push_back(throughput(network));
}

std::vector<Way> ways() {
  std::vector<Way> out{{"plain routing", std::nullopt, false, {}, {}}};
  const tunnel::Probe found = tunnel::probe();
  for (const Variant variant : {Variant::bpf, Variant::tun, Variant::veth}) {
    if (auto possible = can_use(variant, found); !possible) {
      std::cout << "not measured: " << possible.error().message() << "\n";
      continue;
    }
    out.push_back({std::string(to_string(variant)), variant, false, {}, {}});
    if (variant == Variant::bpf) out.push_back({"bpf, tx on", variant, true, {}, {}});
  }
  return out;
}

}  // namespace
}  // namespace hoplab

int main(int argc, char** argv) {
  using namespace hoplab;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
  if (unshare(user | CLONE_NEWNET) != 0) give_up("no namespaces: " + std::string(strerror(errno)));
  auto all = ways();
  for (int i = 0; i < rounds; ++i) {
    for (Way& way : all) measure(way);
  }
  std::printf("%-14s %10s %7s %10s %7s\n", "", "RTT us", "ratio", "TCP Gb/s", "ratio");
  const double base_time = median(all[0].microseconds), base_rate = median(all[0].gigabits);
  for (const Way& way : all) {
    const double time = median(way.microseconds), rate = median(way.gigabits);
    std::printf("%-14s %10.1f %7.2f %10.2f %7.2f\n", way.name.c_str(), time, time / base_time, rate,
                rate / base_rate);
  }
  return 0;
}
