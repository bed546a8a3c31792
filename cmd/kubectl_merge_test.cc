#include "cmd/kubectl_merge.h"

#include <gtest/gtest.h>

#include "store/api/patch.h"

namespace hoplab::cmd::kubectl {
namespace {

Json json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed ? *parsed : Json();
}

const api::Kind& deployment() {
  return api::kind_of("Deployment");
}

Json with_containers(std::string_view containers) {
  Json object = json(R"({"spec":{"template":{"spec":{}}}})");
  object["spec"]["template"]["spec"]["containers"] = json(containers);
  return object;
}

const Json& containers_of(const Json& object) {
  return at_path(object, "spec.template.spec.containers");
}

TEST(KubectlMerge, NothingToDoIsAnEmptyPatch) {
  Json manifest = with_containers(R"([{"name":"c","image":"nginx"}])");
  Json current = with_containers(R"([{"name":"c","image":"nginx","imagePullPolicy":"Always"}])");
  current["status"] = {{"replicas", 1}};
  EXPECT_EQ(three_way_patch(&deployment(), manifest, manifest, current), Json::object());
}

// The example of facts/kubectl.md 4, as the real kubectl sent it.
TEST(KubectlMerge, ChangesAndDeletionsInOnePatch) {
  Json old = with_containers(
      R"([{"name":"c","image":"nginx","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}])");
  Json wanted =
      with_containers(R"([{"name":"c","image":"nginx:2","env":[{"name":"A","value":"1"}]}])");
  Json expected = json(R"({"spec":{"template":{"spec":{
    "$setElementOrder/containers":[{"name":"c"}],
    "containers":[{"$setElementOrder/env":[{"name":"A"}],
                   "env":[{"$patch":"delete","name":"B"}],"image":"nginx:2","name":"c"}]}}}})");
  EXPECT_EQ(three_way_patch(&deployment(), old, wanted, old), expected);
}

TEST(KubectlMerge, ThePatchMakesWhatTheManifestSaysAndKeepsWhatOthersAdded) {
  Json old = with_containers(R"([{"name":"a","image":"1"},{"name":"b","image":"1"}])");
  Json wanted = with_containers(R"([{"name":"new","image":"2"},{"name":"a","image":"1"}])");
  Json current = with_containers(
      R"([{"name":"a","image":"1"},{"name":"b","image":"1"},{"name":"sidecar","image":"x"}])");
  Json patch = three_way_patch(&deployment(), old, wanted, current);
  auto merged = api::strategic_merge(deployment(), current, patch);
  ASSERT_TRUE(merged.ok());
  std::vector<std::string> names;
  for (const Json& container : containers_of(*merged)) names.push_back(container["name"]);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "new", "sidecar"}));
}

TEST(KubectlMerge, AFieldThatOnlyTheServerHasStays) {
  Json manifest = json(R"({"spec":{"replicas":2}})");
  Json current = json(R"({"spec":{"replicas":5,"paused":true}})");
  EXPECT_EQ(three_way_patch(&deployment(), manifest, manifest, current),
            json(R"({"spec":{"replicas":2}})"));
}

TEST(KubectlMerge, ARemovedFieldBecomesNull) {
  EXPECT_EQ(three_way_patch(&deployment(), json(R"({"spec":{"paused":true}})"),
                            json(R"({"spec":{}})"), json(R"({"spec":{"paused":true}})")),
            json(R"({"spec":{"paused":null}})"));
}

TEST(KubectlMerge, AVolumeThatChangesItsSourceKeepsOnlyTheNewOne) {
  const api::Kind& pod = api::kind_of("Pod");
  Json old = json(R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})");
  Json wanted = json(R"({"spec":{"volumes":[{"name":"v","configMap":{"name":"c"}}]}})");
  Json patch = three_way_patch(&pod, old, wanted, old);
  auto merged = api::strategic_merge(pod, old, patch);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(at_path(*merged, "spec.volumes")[0], json(R"({"name":"v","configMap":{"name":"c"}})"));
}

TEST(KubectlMerge, WithoutAKindListsAreReplaced) {
  EXPECT_EQ(three_way_patch(nullptr, json(R"({"spec":{"a":[1],"b":2}})"),
                            json(R"({"spec":{"a":[1,3]}})"), json(R"({"spec":{"a":[1],"b":2}})")),
            json(R"({"spec":{"a":[1,3],"b":null}})"));
}

TEST(KubectlMerge, OddShapesAreReplaced) {
  EXPECT_EQ(three_way_patch(&deployment(), json("{}"), json(R"({"spec":{"template":7}})"),
                            json(R"({"spec":{"template":{"spec":{"containers":[1,null]}}}})")),
            json(R"({"spec":{"template":7}})"));
}

TEST(KubectlMerge, LastAppliedDoesNotContainItself) {
  Json manifest = json(R"({"kind":"Pod","metadata":{"name":"x"}})");
  Json once = with_last_applied(manifest);
  Json twice = with_last_applied(once);
  EXPECT_EQ(once, twice);
  EXPECT_EQ(once["metadata"]["annotations"][last_applied_key],
            "{\"kind\":\"Pod\",\"metadata\":{\"annotations\":{},\"name\":\"x\"}}\n");
  EXPECT_EQ(last_applied(once)["metadata"]["name"], "x");
  EXPECT_EQ(last_applied(manifest), Json::object());
}

}  // namespace
}  // namespace hoplab::cmd::kubectl
