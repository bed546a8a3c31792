#include "runtime/reconcile/node_lifecycle_plan.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

const WallTime now = parse_rfc3339("2026-11-23T05:00:00Z").value();

Json node(const char* ready) {
  Json object = {{"metadata", {{"name", "w1"}}}};
  if (*ready != 0) {
    object["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", ready}}});
  }
  return object;
}

std::vector<std::string> taints(const Json& object) {
  std::vector<std::string> out;
  const Json& list = at_path(object, "spec.taints");
  if (!list.is_array()) return out;
  for (const Json& taint : list) {
    out.push_back(string_or(taint, "key").substr(19) + ":" + string_or(taint, "effect"));
  }
  return out;
}

TEST(NodeLifecycle, TaintsFollowTheConditions) {
  EXPECT_TRUE(taints(judge_node(node("True"), false, now).node).empty());
  EXPECT_FALSE(judge_node(node("True"), false, now).spec_changed);
  const NodeVerdict fresh = judge_node(node(""), false, now);
  EXPECT_EQ(taints(fresh.node),
            (std::vector<std::string>{"not-ready:NoSchedule", "not-ready:NoExecute"}));
  EXPECT_FALSE(judge_node(fresh.node, false, now + std::chrono::seconds(9)).spec_changed);
  const NodeVerdict silent = judge_node(node("True"), true, now);
  EXPECT_TRUE(silent.status_changed);
  EXPECT_EQ(taints(silent.node),
            (std::vector<std::string>{"unreachable:NoSchedule", "unreachable:NoExecute"}));
  Json back = silent.node;
  back["status"] = node("True")["status"];
  EXPECT_TRUE(taints(judge_node(back, false, now).node).empty());
  Json cordoned = node("True");
  cordoned["spec"] = {{"unschedulable", true}};
  EXPECT_EQ(taints(judge_node(cordoned, false, now).node),
            std::vector<std::string>{"unschedulable:NoSchedule"});
}

TEST(NodeLifecycle, PodsStayAsLongAsTheyTolerate) {
  const Json lost = judge_node(node("True"), true, now).node;
  const auto pod = [](const char* name, const Json& tolerations) {
    Json object = pod_json(name);
    object["spec"]["nodeName"] = "w1";
    object["spec"]["tolerations"] = tolerations;
    return std::make_shared<const Json>(std::move(object));
  };
  const Json forever = {{"operator", "Exists"}};
  Json a_while = {{"key", "node.kubernetes.io/unreachable"},
                  {"operator", "Exists"},
                  {"effect", "NoExecute"},
                  {"tolerationSeconds", 300}};
  const auto out = evictions(lost,
                             {pod("daemon", Json::array({forever})),
                              pod("normal", Json::array({a_while})), pod("hasty", Json::array())},
                             now + std::chrono::seconds(100));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].pod, "normal");
  EXPECT_EQ(out[0].in, Millis(200'000));
  EXPECT_EQ(out[1].pod, "hasty");
  EXPECT_FALSE(out[1].in);
}

}  // namespace
}  // namespace hoplab::reconcile
