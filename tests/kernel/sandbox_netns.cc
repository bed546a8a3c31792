#include "tests/kernel/sandbox_netns.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/netns.h"

namespace hoplab::test {
namespace {

struct Sandbox {
  bool root = false;
  std::string problem = "main() of kernel_test has not run";
};

Sandbox& sandbox() {
  static Sandbox state;
  return state;
}

Result<void> enter_user_namespace() {
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  if (::unshare(CLONE_NEWUSER) != 0) return Error::from_errno(errno, "making a user namespace");
  HOP_CHECK(write_file("/proc/self/setgroups", "deny"));
  HOP_CHECK(write_file("/proc/self/uid_map", str("0 ", uid, " 1")));
  return write_file("/proc/self/gid_map", str("0 ", gid, " 1"));
}

Result<void> enter_sandbox() {
  if (!sandbox().root) HOP_CHECK(enter_user_namespace());
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) != 0) {
    return Error::from_errno(errno, "making mount, network, uts and ipc namespaces");
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::from_errno(errno, "making mounts private");
  }
  if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    return Error::from_errno(errno, "mounting a tmpfs on /run");
  }
  if (::mkdir("/run/netns", 0755) != 0) return Error::from_errno(errno, "making /run/netns");
  return {};
}

uint16_t checksum(const unsigned char* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += uint32_t{data[i]} << 8U | data[i + 1];
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

bool is_reply(const unsigned char* packet, size_t size, uint16_t id) {
  if (size < sizeof(iphdr)) return false;
  const size_t header = (packet[0] & 0xfU) * 4UL;
  return size >= header + 8 && packet[header] == ICMP_ECHOREPLY && packet[header + 4] == id >> 8U &&
         packet[header + 5] == (id & 0xffU);
}

Result<Fd> icmp_socket(int netns_fd) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd));
  Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  if (!fd) return Error::from_errno(errno, "opening an ICMP socket");
  return fd;
}

}  // namespace

const std::string& sandbox_problem() {
  return sandbox().problem;
}
bool started_as_root() {
  return sandbox().root;
}

void SandboxNetns::SetUp() {
  if (!sandbox_problem().empty()) {
    GTEST_SKIP() << "namespaces are closed here: " << sandbox_problem();
  }
  auto home = current_netns();
  ASSERT_TRUE(home) << home.error().message();
  home_ = std::move(*home);
  netns_ = make_host();
  ASSERT_EQ(::setns(netns_.get(), CLONE_NEWNET), 0);
}

void SandboxNetns::TearDown() {
  for (const std::string& name : named_) {
    const std::string path = "/run/netns/" + name;
    ::umount2(path.c_str(), MNT_DETACH);
    ::unlink(path.c_str());
  }
  if (home_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
}

Fd SandboxNetns::make_host() {
  auto made = make_netns();
  if (!made) {
    ADD_FAILURE() << made.error().message();
    return Fd();
  }
  must_apply(made->get(), {{"", LinkSet{.name = "lo", .up = true}, "every host has it"}});
  return std::move(*made);
}

Fd SandboxNetns::make_named_host(const std::string& name) {
  Fd host = make_host();
  const std::string path = "/run/netns/" + name;
  Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  const std::string source = str("/proc/self/fd/", host.get());
  if (!file || ::mount(source.c_str(), path.c_str(), "none", MS_BIND, nullptr) != 0) {
    ADD_FAILURE() << "naming namespace " << name << ": " << std::strerror(errno);
  }
  named_.push_back(name);
  return host;
}

namespace {

using Deadline = std::chrono::steady_clock::time_point;

Deadline in_a_moment() {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
}

bool wait_for_reply(int socket, uint16_t id, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    timeval wait{left.count() / 1000000, left.count() % 1000000};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    std::array<unsigned char, 1500> packet;
    const ssize_t n = ::recv(socket, packet.data(), packet.size(), 0);
    if (n > 0 && is_reply(packet.data(), static_cast<size_t>(n), id)) return true;
  }
}

}  // namespace

bool ping(int netns_fd, Ipv4 target, Millis timeout) {
  auto socket = icmp_socket(netns_fd);
  if (!socket) {
    ADD_FAILURE() << socket.error().message();
    return false;
  }
  static uint16_t next_id = 0;
  const uint16_t id = ++next_id;
  std::array<unsigned char, 8> request{ICMP_ECHO,
                                       0,
                                       0,
                                       0,
                                       static_cast<unsigned char>(id >> 8U),
                                       static_cast<unsigned char>(id & 0xffU),
                                       0,
                                       1};
  const uint16_t sum = checksum(request.data(), request.size());
  request[2] = static_cast<unsigned char>(sum >> 8U);
  request[3] = static_cast<unsigned char>(sum & 0xffU);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = target.network_order();
  // A link that has just come up may drop the first packet until the kernel's link watcher has run
  // (netlink/settle.h): the request is repeated, as ping(8) does, until the time is up.
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (::sendto(socket->get(), request.data(), request.size(), 0,
                 reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0) {
      return false;
    }
    if (wait_for_reply(socket->get(), id, std::min(deadline, in_a_moment()))) return true;
  }
  return false;
}

void must_apply(int netns_fd, const std::vector<Operation>& operations, int peer_netns_fd) {
  auto socket = NetlinkSocket::open_in(netns_fd);
  ASSERT_TRUE(socket) << socket.error().message();
  ApplyContext context;
  context.peer_netns = [peer_netns_fd](const std::string&) -> Result<int> { return peer_netns_fd; };
  auto status = apply_operations(*socket, operations, context).status();
  ASSERT_TRUE(status) << status.error().message();
}

}  // namespace hoplab::test

int main(int argc, char** argv) {
  using namespace hoplab::test;
  testing::InitGoogleMock(&argc, argv);
  sandbox().root = ::geteuid() == 0;
  auto entered = hoplab::test::enter_sandbox();
  sandbox().problem = entered ? "" : entered.error().message();
  if (!entered) std::cerr << "SKIPPING kernel tests: " << sandbox().problem << "\n";
  return RUN_ALL_TESTS();
}
