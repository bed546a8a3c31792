#include "store/registry.h"

#include <gtest/gtest.h>

#include "store/registry_fixture.h"
#include "store/scale.h"

namespace hoplab {
namespace {

const api::Kind& kind(std::string_view name) {
  return api::kind_of(name);
}

Json deployment(const std::string& name, int replicas = 1) {
  const Json labels = {{"app", name}};
  Json pod = pod_json("", labels);
  pod["metadata"].erase("name");
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"replicas", replicas}, {"selector", {{"matchLabels", labels}}}, {"template", pod}}}};
}

Json service(const std::string& name) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"selector", {{"app", name}}},
            {"ports", Json::array({{{"port", 80}, {"protocol", "TCP"}, {"targetPort", 80}}})}}}};
}

TEST(Registry, CreateFillsInWhatTheServerOwns) {
  RegistryFixture cluster;
  Json wanted = deployment("web");
  wanted["metadata"]["uid"] = "mine";
  wanted["metadata"]["creationTimestamp"] = nullptr;
  wanted["status"] = {{"replicas", 7}};
  const Json made = cluster.make("Deployment", "default", wanted);
  EXPECT_EQ(made["apiVersion"], "apps/v1");
  EXPECT_EQ(made["kind"], "Deployment");
  EXPECT_EQ(api::uid_of(made).size(), 36U);
  EXPECT_EQ(made["metadata"]["generation"], 1);
  EXPECT_EQ(made["metadata"]["creationTimestamp"].get<std::string>().back(), 'Z');
  EXPECT_FALSE(member(made, "status").contains("replicas"));
  EXPECT_EQ(api::revision_of(made), cluster->revision());
  EXPECT_EQ(cluster.read("Deployment", "default", "web"), made);
}

TEST(Registry, CreateErrorsAreThoseOfKubernetes) {
  RegistryFixture cluster;
  cluster.make("Deployment", "default", deployment("web"));
  auto again = cluster->create(kind("Deployment"), "default", deployment("web"));
  EXPECT_EQ(again.error().code(), ErrorCode::already_exists);
  EXPECT_EQ(again.error().message(), "deployments.apps \"web\" already exists");
  EXPECT_EQ(again.error().details().group, "apps");
  auto nowhere = cluster->create(kind("Pod"), "mars", pod_json("p"));
  EXPECT_EQ(nowhere.error().code(), ErrorCode::not_found);
  EXPECT_EQ(nowhere.error().message(), "namespaces \"mars\" not found");
  EXPECT_EQ(cluster->get(kind("Deployment"), "default", "x").error().message(),
            "deployments.apps \"x\" not found");
  Json elsewhere = pod_json("p");
  elsewhere["metadata"]["namespace"] = "other";
  EXPECT_EQ(cluster->create(kind("Pod"), "default", elsewhere).error().code(),
            ErrorCode::bad_request);
  EXPECT_EQ(cluster->create(kind("Pod"), "default", "text").error().code(), ErrorCode::bad_request);
  EXPECT_EQ(cluster->create(kind("Pod"), "default", {{"metadata", 5}}).error().code(),
            ErrorCode::bad_request);
  Json account = pod_json("p");
  account["spec"]["serviceAccountName"] = "nobody";
  EXPECT_EQ(cluster->create(kind("Pod"), "default", account).error().message(),
            "pods \"p\" is forbidden: error looking up service account default/nobody: "
            "serviceaccount \"nobody\" not found");
}

TEST(Registry, GeneratedNames) {
  RegistryFixture cluster;
  Json wanted = pod_json("");
  wanted["metadata"].erase("name");
  wanted["metadata"]["generateName"] = "web-";
  const Json a = cluster.make("Pod", "default", wanted);
  const Json b = cluster.make("Pod", "default", wanted);
  EXPECT_NE(api::name_of(a), api::name_of(b));
  EXPECT_EQ(api::name_of(a).substr(0, 4), "web-");
  EXPECT_EQ(api::name_of(a).size(), 9U);
}

TEST(Registry, EveryNamespaceHasAnAccountAndPodsMountItsToken) {
  RegistryFixture cluster({.services = {}, .tokens = {.issue = {}, .ca_certificate = "PEM"}});
  const Json account = cluster.read("ServiceAccount", "default", "default");
  const std::string secret = account["secrets"][0]["name"];
  EXPECT_EQ(cluster.read("Secret", "default", secret)["data"]["namespace"], "ZGVmYXVsdA==");
  EXPECT_EQ(cluster.read("ConfigMap", "default", "kube-root-ca.crt")["data"]["ca.crt"], "PEM");
  const Json pod = cluster.make("Pod", "default", pod_json("p"));
  EXPECT_EQ(pod["spec"]["volumes"][0]["secret"]["secretName"], secret);
  // A crash between account and secret is repaired at the next start.
  ASSERT_TRUE(cluster->remove(kind("Secret"), "default", secret).ok());
  cluster.reopen();
  EXPECT_EQ(cluster.count("Secret"), 1U);
}

TEST(Registry, UpdateComparesTheRevision) {
  RegistryFixture cluster;
  Json first = cluster.make("Deployment", "default", deployment("web"));
  Json second = first;
  second["spec"]["replicas"] = 2;
  const Json stored = cluster->update(kind("Deployment"), "default", "web", second).value();
  EXPECT_EQ(stored["metadata"]["generation"], 2);
  first["spec"]["replicas"] = 3;
  auto lost = cluster->update(kind("Deployment"), "default", "web", first);
  EXPECT_EQ(lost.error().code(), ErrorCode::conflict);
  EXPECT_EQ(lost.error().message(),
            "Operation cannot be fulfilled on deployments.apps \"web\": the object has been "
            "modified; please apply your changes to the latest version and try again");
  first["metadata"].erase("resourceVersion");
  EXPECT_EQ(
      cluster->update(kind("Deployment"), "default", "web", first).value()["spec"]["replicas"], 3);
  first["metadata"]["uid"] = "another";
  EXPECT_EQ(cluster->update(kind("Deployment"), "default", "web", first).error().code(),
            ErrorCode::conflict);
  EXPECT_EQ(cluster->update(kind("Deployment"), "default", "other", first).error().code(),
            ErrorCode::not_found);
}

TEST(Registry, StatusAndTheRestAreWrittenApart) {
  RegistryFixture cluster;
  Json object = cluster.make("Deployment", "default", deployment("web"));
  object["status"] = {{"replicas", 1}};
  object["spec"]["replicas"] = 9;
  Json stored =
      cluster->update(kind("Deployment"), "default", "web", object, Subresource::status).value();
  EXPECT_EQ(stored["status"]["replicas"], 1);
  EXPECT_EQ(stored["spec"]["replicas"], 1);
  EXPECT_EQ(stored["metadata"]["generation"], 1);
  stored["status"] = {{"replicas", 5}};
  stored["spec"]["replicas"] = 2;
  stored = cluster->update(kind("Deployment"), "default", "web", stored).value();
  EXPECT_EQ(stored["status"]["replicas"], 1);
  EXPECT_EQ(stored["metadata"]["generation"], 2);
}

TEST(Registry, AWriteThatChangesNothingIsNoRevision) {
  RegistryFixture cluster;
  const Json stored = cluster.make("ConfigMap", "default", config_map_json("m", "v"));
  const int64_t revision = cluster->revision();
  EXPECT_EQ(cluster->update(kind("ConfigMap"), "default", "m", stored).value(), stored);
  const Json patch = {{"data", {{"k", "v"}}}};
  EXPECT_EQ(cluster->patch(kind("ConfigMap"), "default", "m", PatchType::merge, patch).value(),
            stored);
  EXPECT_EQ(cluster->revision(), revision);
}

TEST(Registry, DryRunChangesNothing) {
  RegistryFixture cluster;
  cluster.make("ConfigMap", "default", config_map_json("m", "v"));
  const int64_t revision = cluster->revision();
  const WriteOptions dry{.dry_run = true, .field_manager = {}};
  EXPECT_TRUE(cluster->create(kind("Service"), "default", service("s"), dry).ok());
  EXPECT_EQ(cluster
                ->patch(kind("ConfigMap"), "default", "m", PatchType::merge,
                        {{"data", {{"k", "w"}}}}, Subresource::none, dry)
                .value()["data"]["k"],
            "w");
  EXPECT_TRUE(cluster
                  ->remove(kind("ConfigMap"), "default", "m",
                           {.grace_seconds = {}, .precondition_uid = {}, .dry_run = true})
                  .value()
                  .gone);
  EXPECT_EQ(cluster->revision(), revision);
}

TEST(Registry, PatchesCannotRenameOrForge) {
  RegistryFixture cluster;
  const Json made = cluster.make("ConfigMap", "default", config_map_json("m", "v"));
  auto patch = [&](const Json& body) {
    return cluster->patch(kind("ConfigMap"), "default", "m", PatchType::merge, body);
  };
  EXPECT_EQ(patch({{"metadata", {{"name", "n"}}}}).error().code(), ErrorCode::bad_request);
  EXPECT_EQ(patch({{"kind", "Secret"}}).error().code(), ErrorCode::bad_request);
  EXPECT_EQ(patch({{"metadata", {{"resourceVersion", "1"}}}}).error().code(), ErrorCode::conflict);
  EXPECT_EQ(patch({{"metadata", {{"creationTimestamp", "x"}}}}).value(), made);
  EXPECT_EQ(patch("text").error().code(), ErrorCode::bad_request);
}

TEST(Registry, DeleteAPodInTwoSteps) {
  RegistryFixture cluster;
  Json wanted = pod_json("p");
  wanted["spec"]["nodeName"] = "w1";
  wanted["spec"]["terminationGracePeriodSeconds"] = 30;
  const Json pod = cluster.make("Pod", "default", wanted);
  EXPECT_EQ(cluster
                ->remove(kind("Pod"), "default", "p",
                         {.grace_seconds = {}, .precondition_uid = "another"})
                .error()
                .code(),
            ErrorCode::conflict);
  const Deletion started = cluster->remove(kind("Pod"), "default", "p").value();
  EXPECT_FALSE(started.gone);
  EXPECT_TRUE(started.object["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(cluster.count("Pod"), 1U);
  const Deletion done =
      cluster->remove(kind("Pod"), "default", "p", {.grace_seconds = 0, .precondition_uid = {}})
          .value();
  EXPECT_TRUE(done.gone);
  EXPECT_EQ(api::uid_of(done.object), api::uid_of(pod));
  EXPECT_EQ(cluster->remove(kind("Pod"), "default", "p").error().code(), ErrorCode::not_found);
}

TEST(Registry, TakingTheLastFinalizerAwayLetsAnObjectGo) {
  RegistryFixture cluster;
  Json map = config_map_json("m", "v");
  map["metadata"]["finalizers"] = Json::array({"example.com/hold"});
  cluster.make("ConfigMap", "default", map);
  EXPECT_FALSE(cluster->remove(kind("ConfigMap"), "default", "m").value().gone);
  EXPECT_EQ(cluster.count("ConfigMap", "default"), 1U);
  ASSERT_TRUE(cluster
                  ->patch(kind("ConfigMap"), "default", "m", PatchType::json,
                          Json::array({{{"op", "remove"}, {"path", "/metadata/finalizers"}}}))
                  .ok());
  EXPECT_EQ(cluster.count("ConfigMap", "default"), 0U);
}

TEST(Registry, ANamespaceGoesWhenItIsEmpty) {
  RegistryFixture cluster;
  cluster.make("Namespace", "", {{"metadata", {{"name", "x"}}}});
  cluster.make("ConfigMap", "x", config_map_json("m", "v"));
  EXPECT_EQ(cluster->finalize_namespace("x").error().code(), ErrorCode::conflict);
  EXPECT_FALSE(cluster->remove(kind("Namespace"), "", "x").value().gone);
  EXPECT_EQ(cluster->create(kind("ConfigMap"), "x", config_map_json("n", "v")).error().message(),
            "configmaps \"n\" is forbidden: unable to create new content in namespace x because it "
            "is being terminated");
  EXPECT_EQ(cluster->finalize_namespace("x").error().code(), ErrorCode::conflict);
  for (const char* what : {"ConfigMap", "Secret", "ServiceAccount"}) {
    const ObjectList left = cluster->list(kind(what), {.namespace_name = "x"}).value();
    for (const Json& object : left.items) {
      EXPECT_TRUE(cluster->remove(kind(what), "x", api::name_of(object)).ok());
    }
  }
  ASSERT_TRUE(cluster->finalize_namespace("x").ok());
  EXPECT_EQ(cluster->get(kind("Namespace"), "", "x").error().code(), ErrorCode::not_found);
  EXPECT_EQ(cluster->remove(kind("Namespace"), "", "default").error().code(), ErrorCode::forbidden);
}

TEST(Registry, AllocationsAreRebuiltAndFreed) {
  RegistryFixture cluster;
  Json wanted = service("web");
  wanted["spec"]["type"] = "NodePort";
  wanted["spec"]["ports"][0]["nodePort"] = 30080;
  const Json web = cluster.make("Service", "default", wanted);
  cluster.reopen();
  Json other = service("other");
  other["spec"]["clusterIP"] = web["spec"]["clusterIP"];
  EXPECT_EQ(cluster->create(kind("Service"), "default", other).error().code(), ErrorCode::invalid);
  other["spec"].erase("clusterIP");
  other["spec"]["type"] = "NodePort";
  other["spec"]["ports"][0]["nodePort"] = 30080;
  EXPECT_EQ(cluster->create(kind("Service"), "default", other).error().details().causes[0].field,
            "spec.ports[0].nodePort");
  ASSERT_TRUE(cluster->remove(kind("Service"), "default", "web").ok());
  EXPECT_EQ(cluster.make("Service", "default", other)["spec"]["ports"][0]["nodePort"], 30080);
}

TEST(Registry, BindOnce) {
  RegistryFixture cluster;
  cluster.make("Pod", "default", pod_json("p"));
  ASSERT_TRUE(cluster->bind("default", "p", "w1").ok());
  const Json pod = cluster.read("Pod", "default", "p");
  EXPECT_EQ(pod["spec"]["nodeName"], "w1");
  EXPECT_EQ(pod["status"]["conditions"][0]["type"], "PodScheduled");
  EXPECT_EQ(cluster->bind("default", "p", "w2").error().message(),
            "Operation cannot be fulfilled on pods \"p\": pod p is already assigned to node "
            "\"w1\"");
}

TEST(Registry, Scale) {
  RegistryFixture cluster;
  cluster.make("Deployment", "default", deployment("web", 3));
  const Json scale = get_scale(*cluster, kind("Deployment"), "default", "web").value();
  EXPECT_EQ(scale["spec"]["replicas"], 3);
  EXPECT_EQ(scale["status"]["selector"], "app=web");
  EXPECT_EQ(patch_scale(*cluster, kind("Deployment"), "default", "web", PatchType::merge,
                        {{"spec", {{"replicas", 5}}}})
                .value()["spec"]["replicas"],
            5);
  EXPECT_EQ(update_scale(*cluster, kind("Deployment"), "default", "web", scale).error().code(),
            ErrorCode::conflict);
  EXPECT_EQ(patch_scale(*cluster, kind("Deployment"), "default", "web", PatchType::merge,
                        {{"spec", {{"replicas", -1}}}})
                .error()
                .code(),
            ErrorCode::invalid);
}

TEST(Registry, OldRevisionsCanBeListed) {
  RegistryFixture cluster;
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  const int64_t then = cluster->revision();
  cluster.make("ConfigMap", "default", config_map_json("b", "1"));
  const Selection all{.namespace_name = "default"};
  EXPECT_EQ(cluster->snapshot(kind("ConfigMap"), all, then)->objects.size(), 1U);
  EXPECT_EQ(cluster->snapshot(kind("ConfigMap"), all)->objects.size(), 2U);
}

TEST(Registry, OpensWhileANamespaceEmptiesAndMakesWhatACrashLeftOut) {
  RegistryFixture cluster;
  for (const char* space : {"going", "staying"}) {
    cluster.make("Namespace", "", {{"metadata", {{"name", space}}}});
    cluster.make("ServiceAccount", space, {{"metadata", {{"name", "app"}}}});
    for (const SharedJson& secret : cluster->all(kind("Secret"), space)) {
      ASSERT_TRUE(cluster->remove(kind("Secret"), space, api::name_of(*secret)).ok());
    }
  }
  ASSERT_FALSE(cluster->remove(kind("Namespace"), "", "going").value().gone);
  cluster.reopen();
  ASSERT_NE(cluster.registry, nullptr);
  EXPECT_EQ(cluster.count("Secret", "going"), 0U);
  EXPECT_EQ(cluster.count("Secret", "staying"), 2U);  // Of the accounts default and app.
}

}  // namespace
}  // namespace hoplab
