#include "runtime/agent/pod_status.h"

#include <gtest/gtest.h>

namespace hoplab::agent {
namespace {

const NodeFacts node{"k8s-w1", Ipv4(192, 168, 10, 101)};
const WallTime now = *parse_rfc3339("2026-11-23T05:00:00Z");

PodRecord pod(const char* spec) {
  Json object = *parse_json(R"({"metadata":{"name":"web","namespace":"default","uid":"u1"}})");
  object["spec"] = *parse_json(spec);
  PodRecord record = make_record(object);
  record.ip = Ipv4(172, 16, 158, 2);
  return record;
}

std::string condition(const Json& status, const std::string& type) {
  for (const Json& item : status["conditions"]) {
    if (item["type"] == type) return item["status"];
  }
  return "missing";
}

TEST(PodStatus, RunningAndReady) {
  PodRecord record = pod(R"({"containers":[{"name":"a","image":"nginx"}]})");
  auto& a = record.containers[0];
  a.phase = ContainerPhase::running;
  a.id = "c1";
  a.ready = a.started = true;
  a.started_at = now;
  Json status = make_status(record, node, {}, now);
  EXPECT_EQ(status["phase"], "Running");
  EXPECT_EQ(status["podIP"], "172.16.158.2");
  EXPECT_EQ(status["hostIP"], "192.168.10.101");
  EXPECT_EQ(condition(status, "Ready"), "True");
  EXPECT_EQ(status["containerStatuses"][0]["state"]["running"]["startedAt"],
            "2026-11-23T05:00:00Z");
  EXPECT_EQ(status["containerStatuses"][0]["containerID"], "docker://c1");
  EXPECT_EQ(status["qosClass"], "BestEffort");
}

TEST(PodStatus, CrashLoopShowsTheLastEnd) {
  PodRecord record = pod(R"({"containers":[{"name":"a","image":"busybox"}]})");
  auto& a = record.containers[0];
  a.phase = ContainerPhase::exited;
  a.ended = Termination{3, 0, "Error", "", now, now, "c1"};
  a.back_off = std::chrono::seconds(20);
  a.restarts = 2;
  Json c = make_status(record, node, {}, now)["containerStatuses"][0];
  EXPECT_EQ(c["state"]["waiting"]["reason"], "CrashLoopBackOff");
  EXPECT_EQ(c["state"]["waiting"]["message"],
            "back-off 20s restarting failed container=a pod=web_default(u1)");
  EXPECT_EQ(c["lastState"]["terminated"]["exitCode"], 3);
  EXPECT_EQ(c["restartCount"], 2);
}

TEST(PodStatus, FinishedPods) {
  for (auto [code, phase] : {std::pair{0, "Succeeded"}, {1, "Failed"}}) {
    PodRecord record = pod(R"({"restartPolicy":"Never","containers":[{"name":"a"}]})");
    record.containers[0].phase = ContainerPhase::exited;
    record.containers[0].ended = Termination{code, 0, "", "", now, now, "c"};
    Json status = make_status(record, node, {}, now);
    EXPECT_EQ(status["phase"], phase);
    EXPECT_EQ(condition(status, "Ready"), "False");
  }
}

TEST(PodStatus, PendingWhileInitContainersRun) {
  PodRecord record = pod(R"({"initContainers":[{"name":"i"}],"containers":[{"name":"a"}]})");
  record.containers[0].phase = ContainerPhase::running;
  Json status = make_status(record, node, {}, now);
  EXPECT_EQ(status["phase"], "Pending");
  EXPECT_EQ(condition(status, "Initialized"), "False");
  EXPECT_EQ(status["containerStatuses"][0]["state"]["waiting"]["reason"], "PodInitializing");
}

TEST(PodStatus, ConditionsKeepTheirTime) {
  PodRecord record = pod(R"({"containers":[{"name":"a"}]})");
  Json before = make_status(record, node, {}, now);
  Json after = make_status(record, node, before, now + std::chrono::hours(1));
  EXPECT_EQ(before["conditions"], after["conditions"]);
  EXPECT_EQ(before["startTime"], after["startTime"]);
}

}  // namespace
}  // namespace hoplab::agent
