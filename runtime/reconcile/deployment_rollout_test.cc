#include "runtime/reconcile/deployment_rollout.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

RolloutSet set(const char* name, int64_t replicas, int64_t available) {
  return {.name = name, .replicas = replicas, .available = available, .observed = replicas};
}

RolloutLimits limits(int64_t replicas, int64_t surge, int64_t unavailable) {
  return {.replicas = replicas, .max_surge = surge, .max_unavailable = unavailable};
}

TEST(DeploymentRollout, LimitsRoundSurgeUpAndUnavailableDown) {
  const auto of = [](int replicas, const Json& surge, const Json& unavailable) {
    return rollout_limits(
        {{"spec",
          {{"replicas", replicas},
           {"strategy",
            {{"rollingUpdate", {{"maxSurge", surge}, {"maxUnavailable", unavailable}}}}}}}});
  };
  EXPECT_EQ(of(10, "25%", "25%").max_surge, 3);
  EXPECT_EQ(of(10, "25%", "25%").max_unavailable, 2);
  EXPECT_EQ(of(3, 1, 0).max_unavailable, 0);
  // Neither would allow any step.
  EXPECT_EQ(of(3, 0, 0).max_unavailable, 1);
  EXPECT_EQ(of(1, "0%", "10%").max_unavailable, 1);
  EXPECT_EQ(int_or_percent("x%", 10, true, 7), 7);
  EXPECT_EQ(int_or_percent(nullptr, 10, true, 7), 7);
}

TEST(DeploymentRollout, TheNewOneGrowsFirst) {
  const auto steps = rolling_steps(limits(4, 1, 1), set("new", 1, 1), {set("old", 3, 3)});
  EXPECT_EQ(steps, (std::vector<ScaleStep>{{"new", 1, 2}}));
  EXPECT_EQ(first_replicas(limits(4, 1, 1), {set("old", 4, 4)}), 1);
  EXPECT_EQ(first_replicas(limits(4, 0, 1), {set("old", 4, 4)}), 0);
  EXPECT_EQ(first_replicas(limits(4, 1, 1), {}), 4);
}

TEST(DeploymentRollout, OldOnesGoOnlyAsFarAsEnoughStayAvailable) {
  // 5 of at most 5 exist; the new pod is not available yet: only maxUnavailable may go.
  EXPECT_EQ(rolling_steps(limits(4, 1, 1), set("new", 1, 0), {set("old", 4, 4)}),
            (std::vector<ScaleStep>{{"old", 4, 3}}));
  EXPECT_EQ(rolling_steps(limits(4, 1, 1), set("new", 1, 1), {set("old", 4, 4)}),
            (std::vector<ScaleStep>{{"old", 4, 2}}));
  EXPECT_TRUE(rolling_steps(limits(4, 1, 0), set("new", 1, 0), {set("old", 4, 4)}).empty());
}

TEST(DeploymentRollout, BrokenPodsGoFirst) {
  // "older" has two pods that never worked; "old" works.
  EXPECT_EQ(
      rolling_steps(limits(4, 1, 0), set("new", 1, 1), {set("older", 2, 0), set("old", 2, 2)}),
      (std::vector<ScaleStep>{{"older", 2, 1}}));
  EXPECT_EQ(
      rolling_steps(limits(4, 1, 2), set("new", 1, 1), {set("older", 2, 0), set("old", 2, 2)}),
      (std::vector<ScaleStep>{{"older", 2, 0}, {"old", 2, 1}}));
}

TEST(DeploymentRollout, AScaleDownInTheMiddleShrinksTheNewOne) {
  EXPECT_EQ(rolling_steps(limits(2, 1, 0), set("new", 3, 3), {set("old", 2, 2)}),
            (std::vector<ScaleStep>{{"new", 3, 2}}));
}

/// Plays a rollout step by step, with every pod available after a while, and checks the promise.
void play(const RolloutLimits& l) {
  RolloutSet fresh = set("new", 0, 0);
  RolloutSet old = set("old", l.replicas, l.replicas);
  for (int step = 0; step < 100; ++step) {
    const auto steps = rolling_steps(l, fresh, {old});
    for (const ScaleStep& s : steps) {
      (s.replica_set == "new" ? fresh : old).replicas = s.to;
    }
    old.available = old.replicas;
    EXPECT_LE(fresh.replicas + old.replicas, l.replicas + l.max_surge);
    EXPECT_GE(fresh.available + old.available, l.replicas - l.max_unavailable);
    if (steps.empty() && fresh.available == fresh.replicas) break;
    if (steps.empty()) ++fresh.available;  // One pod gets ready.
  }
  EXPECT_EQ(fresh.replicas, l.replicas);
  EXPECT_EQ(old.replicas, 0);
}

TEST(DeploymentRollout, EveryRolloutEndsAndKeepsItsPromise) {
  for (int64_t replicas = 1; replicas <= 10; ++replicas) {
    for (int64_t surge = 0; surge <= 3; ++surge) {
      for (int64_t unavailable = 0; unavailable <= 3; ++unavailable) {
        if (surge == 0 && unavailable == 0) continue;
        play(limits(replicas, surge, std::min(unavailable, replicas)));
      }
    }
  }
}

}  // namespace
}  // namespace hoplab::reconcile
