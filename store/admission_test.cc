#include "store/admission.h"

#include <gtest/gtest.h>

#include "store/registry_fixture.h"

namespace hoplab {
namespace {

TEST(Admission, ANewPodIsPendingAndToleratesALostNodeForAWhile) {
  Json pod = pod_json("p");
  pod["spec"]["tolerations"] =
      Json::array({{{"key", "node.kubernetes.io/not-ready"}, {"operator", "Exists"}}});
  admit_new(api::kind_of("Pod"), pod);
  EXPECT_EQ(pod["status"]["phase"], "Pending");
  EXPECT_EQ(pod["status"]["qosClass"], "BestEffort");
  EXPECT_EQ(pod["spec"]["serviceAccountName"], "default");
  ASSERT_EQ(pod["spec"]["tolerations"].size(), 2U);
  EXPECT_EQ(pod["spec"]["tolerations"][1]["key"], "node.kubernetes.io/unreachable");
  EXPECT_EQ(pod["spec"]["tolerations"][1]["tolerationSeconds"], 300);
}

TEST(Admission, QosClass) {
  Json pod = pod_json("p");
  Json& resources = pod["spec"]["containers"][0]["resources"];
  resources = {{"requests", {{"cpu", "1"}}}};
  EXPECT_EQ(qos_class(pod), "Burstable");
  resources = {{"limits", {{"cpu", "1"}, {"memory", "1Gi"}}}};
  EXPECT_EQ(qos_class(pod), "Guaranteed");
  resources["requests"] = {{"cpu", "500m"}};
  EXPECT_EQ(qos_class(pod), "Burstable");
}

TEST(Admission, TokensAreMountedWhereNothingIsYet) {
  const Json account = {{"secrets", Json::array({{{"name", "default-token-x"}}})}};
  Json pod = pod_json("p");
  mount_service_account(pod, account);
  EXPECT_EQ(pod["spec"]["volumes"][0]["secret"]["secretName"], "default-token-x");
  EXPECT_EQ(pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"],
            "/var/run/secrets/kubernetes.io/serviceaccount");
  const Json once = pod;
  mount_service_account(pod, account);
  EXPECT_EQ(pod, once);

  Json without = pod_json("p");
  without["spec"]["automountServiceAccountToken"] = false;
  mount_service_account(without, account);
  EXPECT_FALSE(without["spec"].contains("volumes"));

  Json shy = account;
  shy["automountServiceAccountToken"] = false;
  Json pod_of_shy = pod_json("p");
  mount_service_account(pod_of_shy, shy);
  EXPECT_FALSE(pod_of_shy["spec"].contains("volumes"));
}

TEST(Admission, OnlyTheWishCounts) {
  const Json a = {{"metadata", {{"name", "x"}}}, {"spec", 1}, {"status", 1}};
  Json b = a;
  b["status"] = 2;
  b["metadata"]["labels"] = {{"a", "b"}};
  EXPECT_FALSE(spec_changed(a, b));
  b["data"] = 1;
  EXPECT_TRUE(spec_changed(a, b));
  EXPECT_TRUE(spec_changed(b, a));
}

}  // namespace
}  // namespace hoplab
