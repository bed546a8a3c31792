#pragma once

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <utility>

#include "runtime/base/json.h"
#include "runtime/netlink/netns.h"
#include "runtime/tunnel/tunnel.h"

namespace hoplab::test {

/// Runs `work` on a thread of its own inside the namespace.
template <typename Work>
std::thread thread_in(int netns_fd, Work work) {
  return std::thread([netns_fd, work = std::move(work)] {
    auto inside = NetnsGuard::enter(netns_fd);
    ASSERT_TRUE(inside) << inside.error().message();
    work();
  });
}

/// What `hoplab tunnel` does, as a thread.
class RunningTunnel {
 public:
  RunningTunnel(int netns_fd, std::optional<tunnel::Variant> variant)
      : stop_(eventfd(0, EFD_CLOEXEC)) {
    Fd ready(eventfd(0, EFD_CLOEXEC));
    thread_ = thread_in(netns_fd, [this, variant, &ready] {
      tunnel::TunnelOptions options;
      options.only = variant;
      auto opened = tunnel::Tunnel::open(options, Log("tunnel"));
      EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
      const uint64_t one = 1;
      EXPECT_EQ(write(ready.get(), &one, sizeof one), 8);
      if (!opened) return;
      auto ended = (*opened)->run(stop_.get());
      EXPECT_TRUE(ended) << (ended ? "" : ended.error().message());
      statistics_ = (*opened)->statistics();
    });
    uint64_t value = 0;
    EXPECT_EQ(read(ready.get(), &value, sizeof value), 8);
  }
  RunningTunnel(const RunningTunnel&) = delete;
  RunningTunnel& operator=(const RunningTunnel&) = delete;
  ~RunningTunnel() { stop(); }

  Json stop() {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      EXPECT_EQ(write(stop_.get(), &one, sizeof one), 8);
      thread_.join();
    }
    return statistics_;
  }

 private:
  Fd stop_;
  Json statistics_;
  std::thread thread_;
};

}  // namespace hoplab::test
