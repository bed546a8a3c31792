#include "store/api/patch.h"

#include <gmock/gmock.h>

#include "store/api/manifest.h"

namespace hoplab::api {
namespace {

using testing::HasSubstr;

Json yaml(std::string_view text) {
  auto value = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(value.ok()) << (value ? "" : value.error().message());
  return value ? std::move(value).value() : Json();
}

Json merge(std::string_view kind, std::string_view original, std::string_view patch) {
  auto merged = strategic_merge(kind_of(kind), yaml(original), yaml(patch));
  EXPECT_TRUE(merged.ok()) << (merged ? "" : merged.error().message());
  return merged ? std::move(merged).value() : Json();
}

// The body kubectl 1.20 sends for an apply that changes the image and drops a variable.
TEST(StrategicMerge, AppliesKubectlsOwnPatch) {
  EXPECT_EQ(
      merge("Deployment",
            "{metadata: {name: web}, spec: {replicas: 2, template: {spec: {containers: [{name: c, "
            "image: "
            "'nginx:1', env: [{name: A, value: a}, {name: B, value: b}]}, {name: side, image: "
            "s}]}}}}",
            R"({"metadata":{"annotations":{"x":"1"}},"spec":{"template":{"spec":{
               "$setElementOrder/containers":[{"name":"c"}],"containers":[{"$setElementOrder/env":
               [{"name":"A"}],"env":[{"$patch":"delete","name":"B"}],"image":"nginx:2","name":"c"}]}}}})"),
      yaml("{metadata: {name: web, annotations: {x: '1'}}, spec: {replicas: 2, template: {spec: "
           "{containers: [{name: c, image: 'nginx:2', env: [{name: A, value: a}]}, {name: side, "
           "image: "
           "s}]}}}}"));
}

TEST(StrategicMerge, MergesListsByTheirKeys) {
  EXPECT_EQ(merge("Service", "{spec: {ports: [{port: 80, targetPort: 8080}, {port: 443}]}}",
                  "{spec: {ports: [{port: 80, name: http}, {port: 53, protocol: UDP}]}}"),
            yaml("{spec: {ports: [{port: 80, name: http, targetPort: 8080}, {port: 53, protocol: "
                 "UDP}, {port: 443}]}}"));
  EXPECT_EQ(
      merge("Node",
            "{status: {conditions: [{type: Ready, status: 'False'}, {type: Disk, status: "
            "'False'}]}}",
            "{status: {$setElementOrder/conditions: [{type: Disk}, {type: Ready}], conditions: "
            "[{type: Ready, status: 'True'}]}}"),
      yaml("{status: {conditions: [{type: Disk, status: 'False'}, {type: Ready, status: "
           "'True'}]}}"));
  EXPECT_EQ(merge("Pod", "{metadata: {finalizers: [a, b], ownerReferences: [{uid: u, name: n}]}}",
                  "{metadata: {$deleteFromPrimitiveList/finalizers: [a], finalizers: [c, b], "
                  "ownerReferences: [{$patch: delete, uid: u}]}}"),
            yaml("{metadata: {finalizers: [c, b], ownerReferences: []}}"));
  EXPECT_EQ(merge("Pod", "{spec: {tolerations: [{key: a}], containers: [{name: c, args: [x]}]}}",
                  "{spec: {tolerations: [{key: b}], containers: [{name: c, args: [z]}]}}"),
            yaml("{spec: {tolerations: [{key: b}], containers: [{name: c, args: [z]}]}}"));
}

TEST(StrategicMerge, DirectivesReplaceDeleteAndRetain) {
  EXPECT_EQ(
      merge("Deployment", "{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}",
            "{spec: {strategy: {$retainKeys: [type], type: Recreate}}}"),
      yaml("{spec: {strategy: {type: Recreate}}}"));
  EXPECT_EQ(
      merge("Pod", "{spec: {volumes: [{name: v, emptyDir: {}}]}}",
            "{spec: {volumes: [{name: v, $retainKeys: [name, hostPath], hostPath: {path: /x}}]}}"),
      yaml("{spec: {volumes: [{name: v, hostPath: {path: /x}}]}}"));
  EXPECT_EQ(merge("Pod", "{spec: {containers: [{name: a}, {name: b}]}}",
                  "{spec: {containers: [{$patch: replace}, {name: c}]}}"),
            yaml("{spec: {containers: [{name: c}]}}"));
  EXPECT_EQ(merge("ConfigMap", "{data: {a: '1', b: '2'}}", "{data: {$patch: replace, c: '3'}}"),
            yaml("{data: {c: '3'}}"));
  EXPECT_EQ(merge("ConfigMap", "{data: {a: '1'}}", "{data: {$patch: delete}}"), yaml("{data: {}}"));
  EXPECT_EQ(
      merge("ConfigMap", "{data: {a: '1', b: '2'}}", "{data: {a: null, c: null}, x: {z: null}}"),
      yaml("{data: {b: '2'}, x: {}}"));
}

TEST(StrategicMerge, RefusesWhatItCannotApply) {
  auto refused = [](std::string_view patch) {
    auto merged =
        strategic_merge(kind_of("Pod"), yaml("{spec: {containers: [{name: a}]}}"), yaml(patch));
    return merged ? "applied" : merged.error().message();
  };
  EXPECT_THAT(refused("{spec: {containers: [{image: x}]}}"),
              HasSubstr("does not contain declared merge key: name"));
  EXPECT_THAT(refused("{spec: {containers: [x]}}"), HasSubstr("merge key"));
  EXPECT_THAT(refused("{spec: {$patch: smash}}"), HasSubstr("unknown $patch directive \"smash\""));
  EXPECT_THAT(refused("{spec: {$retainKeys: [a], b: 1}}"), HasSubstr("field b is not in"));
  EXPECT_THAT(refused("{spec: {$setElementOrder/containers: x}}"), HasSubstr("must be a list"));
  EXPECT_THAT(refused("[1]"), HasSubstr("must be JSON objects"));
}

TEST(MergePatch, FollowsRfc7386) {
  EXPECT_EQ(*merge_patch(yaml("{a: {b: 1, c: 2}, l: [1]}"),
                         yaml("{a: {b: null, d: {e: null}}, l: [2, 3]}")),
            yaml("{a: {c: 2, d: {}}, l: [2, 3]}"));
  EXPECT_FALSE(merge_patch(Json::object(), Json(3)).ok());
}

TEST(JsonPatch, FollowsRfc6902) {
  EXPECT_EQ(
      *json_patch(yaml("{a: 1, l: [1, 2]}"),
                  yaml("[{op: test, path: /a, value: 1}, {op: add, path: /l/-, value: 3}, {op: "
                       "remove, path: /a}, {op: copy, from: /l/0, path: /x~1y}, {op: move, from: "
                       "/l, path: /m}]")),
      yaml("{m: [1, 2, 3], x/y: 1}"));
  auto refused = [](std::string_view patch) {
    return json_patch(yaml("{a: 1}"), yaml(patch)).error();
  };
  EXPECT_EQ(refused("[{op: test, path: /a, value: 2}]").code(), ErrorCode::invalid);
  EXPECT_EQ(refused("[{op: replace, path: /b, value: 2}]").code(), ErrorCode::invalid);
  EXPECT_EQ(refused("[{op: jump, path: /b}]").code(), ErrorCode::bad_request);
  EXPECT_EQ(refused("[{op: add, path: b, value: 1}]").code(), ErrorCode::bad_request);
  EXPECT_EQ(refused("[3]").code(), ErrorCode::bad_request);
  EXPECT_EQ(refused("{}").code(), ErrorCode::bad_request);
  EXPECT_THAT(refused("[{op: test, path: /a, value: 1}, {op: remove, path: /q}]").message(),
              HasSubstr("JSON patch, operation 1: "));
  Json doubling = Json::array();
  for (int i = 0; i < 40; ++i) {
    doubling.push_back({{"op", "copy"}, {"from", ""}, {"path", "/k" + std::to_string(i)}});
  }
  EXPECT_EQ(json_patch(yaml("{a: 1}"), doubling).error().code(), ErrorCode::too_large);
}

}  // namespace
}  // namespace hoplab::api
