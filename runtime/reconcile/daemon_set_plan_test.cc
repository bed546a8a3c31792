#include "runtime/reconcile/daemon_set_plan.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

const WallTime now = parse_rfc3339("2026-11-23T05:00:00Z").value();

TEST(DaemonSetPlan, DoubledAndMisplacedPodsGo) {
  const Json labels = {{"app", "d"}};
  Json set = {{"kind", "DaemonSet"},
              {"metadata", {{"name", "d"}, {"uid", "d1"}, {"namespace", "default"}}},
              {"spec",
               {{"selector", {{"matchLabels", labels}}},
                {"template",
                 {{"metadata", {{"labels", labels}}},
                  {"spec", {{"nodeSelector", {{"role", "worker"}}}}}}}}}};
  const auto on = [&](const char* name, const char* where) {
    Json pod = daemon_pod(set, where);
    pod["metadata"]["name"] = name;
    pod["metadata"]["creationTimestamp"] = name;
    return std::make_shared<const Json>(std::move(pod));
  };
  const auto worker = [](const char* name, const char* role) {
    return std::make_shared<const Json>(
        Json{{"metadata", {{"name", name}, {"labels", {{"role", role}}}}}});
  };
  const auto plan =
      plan_daemon_set(set, {worker("w1", "worker"), worker("w2", "worker"), worker("m", "master")},
                      {on("1", "w1"), on("2", "w1"), on("3", "m")}, now);
  EXPECT_EQ(plan.create, std::vector<std::string>{"w2"});
  EXPECT_EQ(plan.remove, (std::vector<std::string>{"3", "2"}));
  EXPECT_EQ(plan.status["desiredNumberScheduled"], 2);
  EXPECT_EQ(plan.status["numberMisscheduled"], 1);
}

}  // namespace
}  // namespace hoplab::reconcile
