#include "runtime/reconcile/endpoints_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

Json service(const Json& ports) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", "web"}, {"namespace", "default"}, {"uid", "s"}}},
          {"spec", {{"selector", {{"app", "web"}}}, {"ports", ports}, {"clusterIP", "10.96.1.1"}}}};
}

const Json http = Json::array({{{"port", 80}, {"targetPort", "http"}, {"protocol", "TCP"}}});

Json pod(int n, bool ready = true, int port = 8080) {
  Json object = pod_json(str("p", n), {{"app", "web"}});
  object["metadata"]["namespace"] = "default";
  object["metadata"]["uid"] = str("u", n);
  object["spec"]["nodeName"] = "w1";
  object["spec"]["containers"][0]["ports"] =
      Json::array({{{"name", "http"}, {"containerPort", port}, {"protocol", "TCP"}}});
  object["status"] = {
      {"phase", "Running"},
      {"podIP", str("172.16.", n / 250, ".", n % 250 + 1)},
      {"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}};
  return object;
}

std::vector<SharedJson> shared(std::vector<Json> objects) {
  std::vector<SharedJson> out;
  for (Json& object : objects) out.push_back(std::make_shared<const Json>(std::move(object)));
  return out;
}

TEST(Endpoints, NamedPortsMayDifferFromPodToPod) {
  const auto groups = backends_of(service(http), shared({pod(1), pod(2, true, 9090), pod(3)}));
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].ports[0].port, 8080);
  EXPECT_EQ(groups[0].backends.size(), 2U);
  EXPECT_EQ(groups[1].ports[0].port, 9090);
  const Json endpoints = endpoints_object(service(http), groups, nullptr);
  EXPECT_EQ(endpoints["subsets"].size(), 2U);
  EXPECT_EQ(endpoints["subsets"][0]["addresses"][0]["targetRef"]["name"], "p1");
  EXPECT_FALSE(endpoints["subsets"][0]["ports"][0].contains("name"));
}

TEST(Endpoints, PodsThatCannotAnswerStayOut) {
  Json other = pod(4);
  other["metadata"]["labels"]["app"] = "db";
  Json without_ip = pod(5);
  without_ip["status"].erase("podIP");
  Json finished = pod(6);
  finished["status"]["phase"] = "Failed";
  Json without_port = pod(7);
  without_port["spec"]["containers"][0].erase("ports");
  Json ending = pod(8);
  ending["metadata"]["deletionTimestamp"] = "2026-11-23T05:00:00Z";
  const auto groups = backends_of(
      service(http), shared({pod(1, false), other, without_ip, finished, without_port, ending}));
  ASSERT_EQ(groups.size(), 1U);
  ASSERT_EQ(groups[0].backends.size(), 2U);
  const Json endpoints = endpoints_object(service(http), groups, nullptr);
  EXPECT_FALSE(endpoints["subsets"][0].contains("addresses"));
  EXPECT_EQ(endpoints["subsets"][0]["notReadyAddresses"].size(), 1U);
  // The slice still says that a terminating pod serves.
  const Json slice = plan_slices(service(http), groups, {}, "m").create.at(0);
  EXPECT_EQ(slice["endpoints"][1]["conditions"],
            (Json{{"ready", false}, {"serving", true}, {"terminating", true}}));
}

TEST(Endpoints, NotReadyAddressesCanBePublished) {
  Json wanted = service(http);
  wanted["spec"]["publishNotReadyAddresses"] = true;
  const auto groups = backends_of(wanted, shared({pod(1, false)}));
  EXPECT_TRUE(groups[0].backends[0].ready);
}

TEST(Endpoints, AHeadlessServiceNeedsNoPortsAndNamesItsPods) {
  Json wanted = service(Json::array());
  wanted["spec"]["clusterIP"] = "None";
  Json named = pod(1);
  named["spec"]["hostname"] = "db-0";
  named["spec"]["subdomain"] = "web";
  const auto groups = backends_of(wanted, shared({named}));
  const Json endpoints = endpoints_object(wanted, groups, nullptr);
  EXPECT_EQ(endpoints["subsets"][0]["addresses"][0]["hostname"], "db-0");
  EXPECT_FALSE(endpoints["subsets"][0].contains("ports"));
  EXPECT_TRUE(labels_of(endpoints).contains("service.kubernetes.io/headless"));
}

TEST(Endpoints, OnlyWhatMattersWakesAService) {
  const Json before = pod(1);
  Json now = before;
  now["metadata"]["annotations"] = {{"a", "b"}};
  now["status"]["containerStatuses"] = Json::array();
  EXPECT_FALSE(backend_changed(before, now));
  now["status"]["podIP"] = "172.16.9.9";
  EXPECT_TRUE(backend_changed(before, now));
  EXPECT_TRUE(backend_changed(before, pod(1, false)));
}

TEST(EndpointSlices, ServiceWithoutPodsHasOneEmptySlice) {
  const SlicePlan plan = plan_slices(service(http), {}, {}, "m");
  ASSERT_EQ(plan.create.size(), 1U);
  EXPECT_TRUE(plan.create[0]["endpoints"].empty());
  EXPECT_EQ(plan.create[0]["metadata"]["labels"]["kubernetes.io/service-name"], "web");
  EXPECT_TRUE(plan_slices(service(http), {}, shared({plan.create[0]}), "m").create.empty());
  EXPECT_TRUE(plan_slices(service(http), {}, shared({plan.create[0]}), "m").update.empty());
}

/// Applies plans to a pretended store.
struct Store {
  std::vector<Json> slices;
  int names = 0;

  SlicePlan step(const std::vector<BackendGroup>& groups) {
    SlicePlan plan = plan_slices(service(http), groups, shared(slices), "m");
    for (const std::string& name : plan.remove) {
      std::erase_if(slices, [&](const Json& s) { return api::name_of(s) == name; });
    }
    for (const Json& changed : plan.update) {
      for (Json& slice : slices) {
        if (api::name_of(slice) == api::name_of(changed)) slice = changed;
      }
    }
    for (Json fresh : plan.create) {
      fresh["metadata"]["name"] = str("web-", names++);
      slices.push_back(std::move(fresh));
    }
    return plan;
  }
  [[nodiscard]] std::multiset<std::string> addresses() const {
    std::multiset<std::string> all;
    for (const Json& slice : slices) {
      EXPECT_LE(slice["endpoints"].size(), 100U);
      for (const Json& e : slice["endpoints"]) all.insert(e["addresses"][0].get<std::string>());
    }
    return all;
  }
};

TEST(EndpointSlices, OneChangedPodIsOneChangedSlice) {
  std::vector<Json> pods;
  for (int i = 0; i < 250; ++i) pods.push_back(pod(i));
  Store store;
  const SlicePlan first = store.step(backends_of(service(http), shared(pods)));
  EXPECT_EQ(first.create.size(), 3U);
  EXPECT_EQ(store.addresses().size(), 250U);

  pods[120] = pod(120, false);
  SlicePlan plan = store.step(backends_of(service(http), shared(pods)));
  EXPECT_EQ(plan.update.size(), 1U);
  EXPECT_TRUE(plan.create.empty());

  pods[120] = pod(300);  // Replaced by another one: it takes the free place.
  plan = store.step(backends_of(service(http), shared(pods)));
  EXPECT_LE(plan.update.size(), 2U);
  EXPECT_TRUE(plan.create.empty());
  EXPECT_EQ(store.addresses().size(), 250U);
  EXPECT_EQ(store.addresses().count("172.16.1.51"), 1U);

  Store all_at_once = store;
  plan = all_at_once.step({});
  EXPECT_EQ(plan.remove.size(), 2U);
  ASSERT_EQ(all_at_once.slices.size(), 1U);
  EXPECT_TRUE(all_at_once.slices[0]["endpoints"].empty());

  pods.resize(1);
  store.step(backends_of(service(http), shared(pods)));
  EXPECT_EQ(store.addresses().size(), 1U);
  EXPECT_EQ(store.slices.size(), 1U);
  store.step({});
  EXPECT_EQ(store.slices.size(), 1U);
  EXPECT_TRUE(store.slices[0]["endpoints"].empty());
}

TEST(EndpointSlices, MirrorHandMadeEndpoints) {
  const auto groups = groups_of_endpoints(
      {{"subsets",
        Json::array({{{"addresses", Json::array({{{"ip", "192.168.1.1"}}})},
                      {"notReadyAddresses", Json::array({{{"ip", "192.168.1.2"}}})},
                      {"ports", Json::array({{{"name", "https"}, {"port", 6443}}})}}})}});
  const Json slice = plan_slices(service(http), groups, {}, "m").create.at(0);
  EXPECT_EQ(slice["endpoints"][0]["conditions"]["ready"], true);
  EXPECT_EQ(slice["endpoints"][1]["conditions"]["ready"], false);
  EXPECT_EQ(slice["ports"][0]["name"], "https");
}

}  // namespace
}  // namespace hoplab::reconcile
