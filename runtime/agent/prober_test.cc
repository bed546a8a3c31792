#include "runtime/agent/prober.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "runtime/proc/sandbox_control.h"

namespace hoplab::agent {
namespace {

Probe http_probe(const std::string& path) {
  Probe probe;
  probe.container = probe.container_id = path;
  probe.pod_ip = Ipv4(127, 0, 0, 1);
  probe.action = {{"httpGet", {{"path", path}, {"port", 80}}}};
  return probe;
}

TEST(ProbeCounter, SpeaksAtTheThreshold) {
  Probe probe;
  probe.failure_threshold = 2;
  ProbeCounter counter;
  EXPECT_EQ(counter.add(probe, true), true);
  EXPECT_EQ(counter.add(probe, false), std::nullopt);
  EXPECT_EQ(counter.add(probe, true), std::nullopt) << "one failure is forgotten";
  EXPECT_EQ(counter.add(probe, false), std::nullopt);
  EXPECT_EQ(counter.add(probe, false), false);
  EXPECT_EQ(counter.add(probe, false), std::nullopt) << "readiness speaks when it changes";
  EXPECT_EQ(counter.add(probe, true), true);
}

TEST(ProbeCounter, AFailingLivenessRepeatsItself) {
  Probe probe;
  probe.kind = ProbeKind::liveness;
  probe.failure_threshold = 1;
  ProbeCounter counter;
  EXPECT_EQ(counter.add(probe, false), false);
  EXPECT_EQ(counter.add(probe, false), false);
}

TEST(Prober, ManyThatHangDoNotHoldUpOne) {
  const std::string path = testing::TempDir() + "hoplab-prober." + std::to_string(getpid());
  const auto listener = proc::listen_for_control(path);
  ASSERT_TRUE(listener) << listener.error().message();
  const auto containers = proc::ContainerClient::connect(path);
  ASSERT_TRUE(containers) << containers.error().message();
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::promise<std::string> told;
  std::atomic<int> answers = 0;
  Prober prober(
      **containers,
      [released](const HttpProbeRequest& request) -> Result<int> {
        if (request.path != "/quick") released.wait();
        return 200;
      },
      [&](const ProbeVerdict& verdict) {
        if (answers++ == 0) told.set_value(verdict.container);
      });
  for (int i = 0; i < 8; ++i) prober.start({http_probe("/hangs" + std::to_string(i))});
  Probe later = http_probe("/quick");
  later.initial_delay = Millis(300);
  prober.start({later});
  auto first = told.get_future();
  const auto status = first.wait_for(std::chrono::seconds(20));
  release.set_value();
  ASSERT_EQ(status, std::future_status::ready);
  EXPECT_EQ(first.get(), "/quick");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace hoplab::agent
