#include "runtime/agent/pod_sync.h"

#include <gtest/gtest.h>

namespace hoplab::agent {
namespace {

SteadyTime at(int seconds) {
  return SteadyTime{} + std::chrono::seconds(seconds);
}

PodRecord pod(const char* spec) {
  Json object = *parse_json(R"({"metadata":{"name":"web","namespace":"default","uid":"u"}})");
  object["spec"] = *parse_json(spec);
  return make_record(object);
}

template <typename T>
const T* only(const Decision& decision) {
  return decision.steps.size() == 1 ? std::get_if<T>(&decision.steps.front()) : nullptr;
}

void end(ContainerRecord& container, int code) {
  container.phase = ContainerPhase::exited;
  container.ended = Termination{};
  container.ended->exit_code = code;
}

void ready_for_containers(PodRecord& record) {
  record.sandbox_id = "s";
  record.network_ready = true;
}

TEST(PodSync, SandboxComesFirstThenContainers) {
  PodRecord record = pod(R"({"containers":[{"name":"a"},{"name":"b"}]})");
  EXPECT_TRUE(only<MakeSandbox>(decide(record, at(1))));
  record.sandbox_id = "s";
  EXPECT_TRUE(decide(record, at(1)).steps.empty()) << "no container before the network";
  record.network_ready = true;
  EXPECT_EQ(decide(record, at(1)).steps.size(), 2U);
}

TEST(PodRecord, AnEventNamesItsContainersPlaceInTheSpec) {
  const PodRecord record = pod(R"({"initContainers":[{"name":"i"}],"containers":[{"name":"a"}]})");
  EXPECT_EQ(field_path_of(record, "a"), "spec.containers{a}");
  EXPECT_EQ(field_path_of(record, "i"), "spec.initContainers{i}");
  EXPECT_EQ(field_path_of(record, ""), "");
}

TEST(PodSync, APodPastItsDeadlineIsStoppedAndNotStartedAgain) {
  PodRecord record = pod(R"({"terminationGracePeriodSeconds":7,"containers":[{"name":"a"}]})");
  ready_for_containers(record);
  record.deadline = at(20);
  record.find("a")->phase = ContainerPhase::running;
  EXPECT_EQ(decide(record, at(1)).wake_at, at(20));
  record.end_reason = "DeadlineExceeded";
  EXPECT_EQ(only<StopContainer>(decide(record, at(21)))->grace_seconds, 7);
  end(*record.find("a"), 137);
  EXPECT_TRUE(decide(record, at(30)).steps.empty());
  EXPECT_FALSE(restarts_after(record, *record.find("a")));
}

TEST(PodSync, InitContainersRunOneAfterTheOther) {
  PodRecord record =
      pod(R"({"initContainers":[{"name":"i1"},{"name":"i2"}],"containers":[{"name":"a"}]})");
  ready_for_containers(record);
  EXPECT_EQ(only<StartContainer>(decide(record, at(1)))->name, "i1");
  record.find("i1")->phase = ContainerPhase::running;
  EXPECT_TRUE(decide(record, at(1)).steps.empty());
  end(*record.find("i1"), 0);
  EXPECT_EQ(only<StartContainer>(decide(record, at(1)))->name, "i2");
  end(*record.find("i2"), 1);
  record.find("i2")->retry_at = at(10);
  Decision waiting = decide(record, at(1));
  EXPECT_TRUE(waiting.steps.empty());
  EXPECT_EQ(waiting.wake_at, at(10));
  end(*record.find("i2"), 0);
  EXPECT_EQ(only<StartContainer>(decide(record, at(1)))->name, "a");
}

TEST(PodSync, RestartPolicyDecides) {
  for (auto [policy, code, again] : {std::tuple{"Always", 0, true},
                                     {"Always", 1, true},
                                     {"OnFailure", 0, false},
                                     {"OnFailure", 1, true},
                                     {"Never", 0, false},
                                     {"Never", 1, false}}) {
    PodRecord record = pod(R"({"containers":[{"name":"a"}]})");
    record.object["spec"]["restartPolicy"] = policy;
    ready_for_containers(record);
    end(record.containers[0], code);
    EXPECT_EQ(decide(record, at(1)).steps.size(), again ? 1U : 0U) << policy << " " << code;
  }
}

TEST(PodSync, DeletionStopsThenTearsDownThenConfirms) {
  PodRecord record = pod(R"({"containers":[{"name":"a"}]})");
  ready_for_containers(record);
  record.containers[0].phase = ContainerPhase::running;
  record.object["metadata"]["deletionTimestamp"] = "2026-11-23T00:00:00Z";
  record.object["metadata"]["deletionGracePeriodSeconds"] = 5;
  EXPECT_EQ(only<StopContainer>(decide(record, at(1)))->grace_seconds, 5);
  record.containers[0].stopping = true;
  EXPECT_TRUE(decide(record, at(1)).steps.empty());
  end(record.containers[0], 143);
  Decision last = decide(record, at(1));
  ASSERT_EQ(last.steps.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<agent::TearDown>(last.steps[0]));
  EXPECT_TRUE(std::holds_alternative<ConfirmDeletion>(last.steps[1]));
}

TEST(PodSync, APodTheApiForgotIsOnlyTornDown) {
  PodRecord record = pod(R"({"containers":[{"name":"a"}]})");
  ready_for_containers(record);
  record.gone = true;
  EXPECT_TRUE(only<agent::TearDown>(decide(record, at(1))));
}

TEST(PodSync, FinishedPodsGetNoNewSandbox) {
  PodRecord record = pod(R"({"restartPolicy":"Never","containers":[{"name":"a"}]})");
  end(record.containers[0], 0);
  EXPECT_TRUE(decide(record, at(1)).steps.empty());
}

TEST(PodSync, BackOffDoublesToFiveMinutesAndForgets) {
  Millis wait{0};
  for (int expected : {10, 20, 40, 80, 160, 300, 300}) {
    wait = next_back_off(wait, Millis(10));
    EXPECT_EQ(wait, std::chrono::seconds(expected));
  }
  EXPECT_EQ(next_back_off(wait, std::chrono::minutes(11)), std::chrono::seconds(10));
}

}  // namespace
}  // namespace hoplab::agent
