#include "store/deletion.h"

#include <gtest/gtest.h>

#include <limits>

namespace hoplab {
namespace {

const WallTime now = parse_rfc3339("2026-11-23T05:00:00Z").value();

Json pod(const char* node = "w1") {
  return {{"metadata", {{"name", "p"}}},
          {"spec", {{"nodeName", node}, {"terminationGracePeriodSeconds", 30}}},
          {"status", {{"phase", "Running"}}}};
}

DeletionPlan plan(const char* kind, const Json& object, const DeleteOptions& options = {}) {
  return plan_deletion(api::kind_of(kind), object, options, now).value();
}

Json marked(const DeletionPlan& plan) {
  const auto* mark = std::get_if<MarkDeleted>(&plan);
  EXPECT_NE(mark, nullptr);
  return mark != nullptr ? mark->object : Json();
}

DeleteOptions grace(int64_t seconds) {
  return {.grace_seconds = seconds, .precondition_uid = {}};
}

TEST(Deletion, APodGetsItsGrace) {
  const Json object = marked(plan("Pod", pod()));
  EXPECT_EQ(object["metadata"]["deletionTimestamp"], "2026-11-23T05:00:30Z");
  EXPECT_EQ(object["metadata"]["deletionGracePeriodSeconds"], 30);
  EXPECT_TRUE(std::holds_alternative<KeepAsIs>(plan("Pod", object)));
  EXPECT_EQ(marked(plan("Pod", object, grace(1)))["metadata"]["deletionGracePeriodSeconds"], 1);
  EXPECT_TRUE(std::holds_alternative<RemoveNow>(plan("Pod", object, grace(0))));
}

TEST(Deletion, AnEndlessGraceIsACentury) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  const Json object = marked(plan("Pod", pod(), grace(most)));
  EXPECT_EQ(object["metadata"]["deletionTimestamp"], "2126-10-30T05:00:00Z");
  EXPECT_EQ(object["metadata"]["deletionGracePeriodSeconds"], most);
}

TEST(Deletion, APodThatNobodyRunsGoesAtOnce) {
  EXPECT_TRUE(std::holds_alternative<RemoveNow>(plan("Pod", pod(""))));
  Json done = pod();
  done["status"]["phase"] = "Succeeded";
  EXPECT_TRUE(std::holds_alternative<RemoveNow>(plan("Pod", done)));
}

TEST(Deletion, FinalizersAndPoliciesHoldAnObject) {
  const Json map = {{"metadata", {{"name", "m"}}}};
  EXPECT_TRUE(std::holds_alternative<RemoveNow>(plan("ConfigMap", map)));
  const Json orphan =
      marked(plan("ConfigMap", map, {.propagation = Propagation::orphan, .precondition_uid = {}}));
  EXPECT_EQ(orphan["metadata"]["finalizers"], Json::array({"orphan"}));
  EXPECT_EQ(orphan["metadata"]["deletionTimestamp"], "2026-11-23T05:00:00Z");
  EXPECT_TRUE(std::holds_alternative<KeepAsIs>(plan("ConfigMap", orphan)));
  EXPECT_FALSE(ready_to_go(api::kind_of("ConfigMap"), orphan));
  Json free = orphan;
  free["metadata"]["finalizers"] = Json::array();
  EXPECT_TRUE(ready_to_go(api::kind_of("ConfigMap"), free));
  EXPECT_FALSE(ready_to_go(api::kind_of("ConfigMap"), map));
}

TEST(Deletion, ANamespaceIsEmptiedFirst) {
  const api::Kind& kind = api::kind_of("Namespace");
  const Json space = {{"metadata", {{"name", "x"}}},
                      {"spec", {{"finalizers", Json::array({"kubernetes"})}}}};
  const Json going = marked(plan("Namespace", space));
  EXPECT_EQ(going["status"]["phase"], "Terminating");
  EXPECT_FALSE(ready_to_go(kind, going));
  EXPECT_EQ(plan_deletion(kind, going, {}, now).error().code(), ErrorCode::conflict);
  EXPECT_EQ(plan_deletion(kind, {{"metadata", {{"name", "default"}}}}, {}, now).error().message(),
            "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

}  // namespace
}  // namespace hoplab
