// Makes the networks of N pods twice in the same run: through make_netns() and apply_operations(),
// and by the least that the kernel asks for (raw messages, no resolving, no error texts). Prints
// the medians and their ratio, which is the figure to watch: absolute times vary with the machine's
// load.
//   pod_network_bench [PODS] [ROUNDS]
// Runs in namespaces of its own, as any user.

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/netns.h"

namespace hoplab {
namespace {

constexpr uint32_t mtu = 1480;
constexpr Ipv4 first_pod(10, 244, 0, 2), gateway(169, 254, 1, 1);

void require(bool good, const std::string& what) {
  if (good) return;
  std::cerr << "pod_network_bench: " << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << "pod_network_bench: " << result.error().message() << "\n";
    std::exit(1);
  }
  return std::move(result).value();
}

void must(const ApplyReport& report) {
  if (auto status = report.status(); !status) {
    std::cerr << "pod_network_bench: " << status.error().message() << "\n";
    std::exit(1);
  }
}

// What an agent does for a pod, one pod after the other.
void by_operations(NetlinkSocket& host, int pods, std::vector<Fd>& namespaces) {
  for (int i = 0; i < pods; ++i) {
    namespaces.push_back(must(make_netns()));
    const int netns = namespaces.back().get();
    const ApplyContext context{.peer_netns = [netns](const std::string&) { return netns; }};
    const std::vector<Operation> cable{
        {"w1",
         VethAdd{
             {.name = str("cali", i), .mtu = mtu, .up = true}, {.name = "eth0", .mtu = mtu}, "pod"},
         "the pod's cable"}};
    must(apply_operations(host, cable, context));
    const Prefix address = Prefix::host(first_pod + static_cast<uint32_t>(i));
    const std::vector<Operation> inside{
        {"pod", LinkSet{.name = "lo", .up = true}, ""},
        {"pod", LinkSet{.name = "eth0", .up = true}, ""},
        {"pod", AddressAdd{{.link = "eth0", .prefix = address}}, ""},
        {"pod",
         RouteReplace{
             {.destination = Prefix::host(gateway), .link = "eth0", .scope = RouteScope::link}},
         ""},
        {"pod", RouteReplace{{.gateway = gateway, .link = "eth0"}}, ""}};
    auto pod = must(NetlinkSocket::open_in(netns));
    must(apply_operations(pod, inside));
  }
}

// The floor: the same messages written by hand.
class RawBatch {
 public:
  void begin(int type, int flags) {
    start_ = size_;
    auto* header = put<nlmsghdr>({});
    header->nlmsg_type = static_cast<uint16_t>(type);
    header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    ++messages_;
  }
  template <typename T>
  T* put(const T& value) {
    auto* at = reinterpret_cast<T*>(data_ + size_);
    std::memcpy(at, &value, sizeof value);
    size_ += NLMSG_ALIGN(sizeof value);
    return at;
  }
  void attribute(int type, const void* value, size_t length) {
    put(nlattr{static_cast<uint16_t>(NLA_HDRLEN + length), static_cast<uint16_t>(type)});
    std::memcpy(data_ + size_, value, length);
    size_ += NLMSG_ALIGN(length);
  }
  void u32(int type, uint32_t value) { attribute(type, &value, sizeof value); }
  void text(int type, const char* value) { attribute(type, value, std::strlen(value) + 1); }
  size_t open(int type) {
    const size_t at = size_;
    put(nlattr{0, static_cast<uint16_t>(type)});
    return at;
  }
  void close(size_t at) {
    reinterpret_cast<nlattr*>(data_ + at)->nla_len = static_cast<uint16_t>(size_ - at);
  }
  void end() {
    reinterpret_cast<nlmsghdr*>(data_ + start_)->nlmsg_len = static_cast<uint32_t>(size_ - start_);
  }
  void send(int socket) {
    require(::send(socket, data_, size_, 0) >= 0, "send");
    alignas(4) char answer[8192];
    while (messages_ > 0) {
      auto left = ::recv(socket, answer, sizeof answer, 0);
      require(left > 0, "recv");
      for (auto* h = reinterpret_cast<nlmsghdr*>(answer); NLMSG_OK(h, left);
           h = NLMSG_NEXT(h, left)) {
        errno = -static_cast<nlmsgerr*>(NLMSG_DATA(h))->error;
        require(errno == 0, "a raw message");
        --messages_;
      }
    }
    size_ = 0;
  }

 private:
  alignas(4) char data_[4096] = {};
  size_t size_ = 0, start_ = 0;
  int messages_ = 0;
};

ifinfomsg link_up(int index) {
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_flags = info.ifi_change = IFF_UP;
  return info;
}

int raw_socket() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  require(fd >= 0, "socket");
  return fd;
}

void raw_route(RawBatch& batch, int prefix, uint8_t scope, int attribute) {
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  rtmsg info{};
  info.rtm_family = AF_INET;
  info.rtm_dst_len = static_cast<uint8_t>(prefix);
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = RTPROT_BOOT;
  info.rtm_scope = scope;
  info.rtm_type = RTN_UNICAST;
  batch.put(info);
  batch.u32(attribute, gateway.network_order());
  batch.u32(RTA_OIF, 2);
  batch.end();
}

void raw_pod(RawBatch& batch, int i) {
  for (int index : {1, 2}) {
    batch.begin(RTM_NEWLINK, 0);
    batch.put(link_up(index));
    batch.end();
  }
  batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg address{};
  address.ifa_family = AF_INET;
  address.ifa_prefixlen = 32;
  address.ifa_index = 2;
  batch.put(address);
  const uint32_t ip = (first_pod + static_cast<uint32_t>(i)).network_order();
  batch.u32(IFA_LOCAL, ip);
  batch.u32(IFA_ADDRESS, ip);
  batch.end();
  raw_route(batch, 32, RT_SCOPE_LINK, RTA_DST);
  raw_route(batch, 0, RT_SCOPE_UNIVERSE, RTA_GATEWAY);
}

void by_raw_messages(int home, int pods, std::vector<Fd>& namespaces) {
  RawBatch batch;
  const int host = raw_socket();
  for (int i = 0; i < pods; ++i) {
    require(::unshare(CLONE_NEWNET) == 0, "unshare");
    namespaces.push_back(must(current_netns()));
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    batch.put(link_up(0));
    batch.text(IFLA_IFNAME, str("cali", i).c_str());
    batch.u32(IFLA_MTU, mtu);
    const size_t info = batch.open(IFLA_LINKINFO);
    batch.text(IFLA_INFO_KIND, "veth");
    const size_t data = batch.open(IFLA_INFO_DATA);
    const size_t peer = batch.open(VETH_INFO_PEER);
    batch.put(ifinfomsg{});
    batch.text(IFLA_IFNAME, "eth0");
    batch.u32(IFLA_MTU, mtu);
    batch.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(namespaces.back().get()));
    for (size_t nest : {peer, data, info}) batch.close(nest);
    batch.end();
    batch.send(host);
    const int pod = raw_socket();
    raw_pod(batch, i);
    batch.send(pod);
    ::close(pod);
  }
  ::close(host);
  require(::setns(home, CLONE_NEWNET) == 0, "setns");
}

// The namespaces' own clean-up runs in the kernel's background; the next measurement waits for it.
void clean_up(NetlinkSocket& host, int pods, std::vector<Fd>& namespaces) {
  std::vector<Operation> down;
  for (int i = 0; i < pods; ++i) down.push_back({"", LinkDelete{str("cali", i)}, ""});
  must(apply_operations(host, down));
  namespaces.clear();
  ::usleep(300'000);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <typename Work>
double milliseconds(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

int run(int pods, int rounds) {
  require(::unshare(CLONE_NEWNET | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) == 0, "unshare");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Fd home = must(current_netns());
  auto host = must(NetlinkSocket::open());
  std::vector<Fd> namespaces;
  std::vector<double> ours, floor, ratios;
  for (int round = 0; round <= rounds; ++round) {
    const double raw = milliseconds([&] { by_raw_messages(home.get(), pods, namespaces); });
    clean_up(host, pods, namespaces);
    const double operations = milliseconds([&] { by_operations(host, pods, namespaces); });
    clean_up(host, pods, namespaces);
    if (round == 0) continue;  // warm-up
    floor.push_back(raw);
    ours.push_back(operations);
    ratios.push_back(operations / raw);
  }
  std::printf(
      "%d pod networks, median of %d rounds: operations %.1f ms, raw netlink %.1f ms, ratio %.2f\n",
      pods, rounds, median(ours), median(floor), median(ratios));
  return 0;
}

}  // namespace
}  // namespace hoplab

int main(int argc, char** argv) {
  const int pods = argc > 1 ? std::atoi(argv[1]) : 100;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  return hoplab::run(pods, rounds);
}
