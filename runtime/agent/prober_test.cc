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

TEST(Prober, RunsEveryPeriodHoweverLongAnAnswerTakes) {
  const SteadyTime due{Millis(1'000)};
  auto after = [due](int ms) { return next_tick(due, Millis(500), due + Millis(ms)) - due; };
  EXPECT_EQ(after(0), Millis(500));
  EXPECT_EQ(after(300), Millis(500)) << "counted from its start, not its end";
  EXPECT_EQ(after(1'200), Millis(1'500)) << "what was missed is left out";
}

TEST(ProbeWords, AreThoseOfGo) {
  HttpProbeRequest request;
  request.host = "172.16.1.2";
  request.port = 8080;
  const std::string get = R"(Get "http://172.16.1.2:8080/": )";
  auto words = [&](const Error& error) { return as_go_says(request, error).message(); };
  EXPECT_EQ(words(Error::from_errno(ECONNREFUSED, "connecting")),
            get + "dial tcp 172.16.1.2:8080: connect: connection refused");
  EXPECT_EQ(words(Error::from_errno(EHOSTUNREACH, "connecting")),
            get + "dial tcp 172.16.1.2:8080: connect: no route to host");
  EXPECT_EQ(words(Error(ErrorCode::timed_out, "read")),
            get + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  request.tls = true;
  request.path = "healthz";
  EXPECT_EQ(url_of(request), "https://172.16.1.2:8080/healthz");
}

TEST(ProbeWords, OfAPortThatIsClosed) {
  const std::string path = testing::TempDir() + "hoplab-words." + std::to_string(getpid());
  const auto listener = proc::listen_for_control(path);
  ASSERT_TRUE(listener) << listener.error().message();
  const auto containers = proc::ContainerClient::connect(path);
  ASSERT_TRUE(containers) << containers.error().message();
  Probe probe = http_probe("/");
  probe.action = {{"tcpSocket", {{"port", 1}}}};
  auto nobody = [](const HttpProbeRequest&) -> Result<int> { return 200; };
  auto refused = run_probe(probe, **containers, nobody);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "dial tcp 127.0.0.1:1: connect: connection refused");
  ::unlink(path.c_str());
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
