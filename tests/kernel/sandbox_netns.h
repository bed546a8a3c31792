#pragma once

#include <gtest/gtest.h>

#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/ip.h"
#include "runtime/model/operation.h"

// How kernel tests stay away from the machine they run on.
//
// A process with threads cannot make a user namespace, and gtest gives no say about when threads
// start, so kernel_test's own main() (in sandbox_netns.cc) does it first thing, once: an ordinary
// user becomes root of a new user namespace; everybody gets new mount (private, an empty tmpfs on
// /run with /run/netns), network, uts and ipc namespaces. Root makes no user namespace, as the
// product does not. Inside, geteuid() is 0 either way; `started_as_root()` tells which.

namespace hoplab::test {

/// Why namespaces could not be made, or "" when all is well.
const std::string& sandbox_problem();
/// Whether the program was started by the real root.
bool started_as_root();

/// Each test in a network namespace of its own; the test's thread is in it from SetUp() to
/// TearDown(). Skips with the reason where namespaces are closed.
///   class Routes : public test::SandboxNetns {};   TEST_F(Routes, …) { … netns() … }
class SandboxNetns : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The test's namespace. `lo` in it is up.
  [[nodiscard]] int netns() const { return netns_.get(); }
  /// One more namespace, empty, `lo` up. Lives as long as the descriptor.
  static Fd make_host();
  /// One more, which also stands at /run/netns/NAME for `ip -n NAME`; gone at TearDown().
  Fd make_named_host(const std::string& name);

 private:
  Fd home_;
  Fd netns_;
  std::vector<std::string> named_;
};

/// Asks from the namespace until there is an ICMP echo reply; false when none came in time. A ping
/// that is to succeed takes the default: a lost first ARP request alone costs a second
/// (netlink/settle.h). One that is to fail passes the time it is worth.
bool ping(int netns_fd, Ipv4 target, Millis timeout = Millis(10'000));

/// Applies operations in a namespace; a failure fails the test and says which.
void must_apply(int netns_fd, const std::vector<Operation>& operations, int peer_netns_fd = -1);

}  // namespace hoplab::test
