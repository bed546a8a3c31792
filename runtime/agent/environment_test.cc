#include "runtime/agent/environment.h"

#include <gtest/gtest.h>

namespace hoplab::agent {
namespace {

const NodeFacts node{"k8s-w1", Ipv4(192, 168, 10, 101)};

PodRecord pod() {
  PodRecord record = make_record(*parse_json(R"({
    "metadata":{"name":"web","namespace":"default","uid":"u","labels":{"app":"shop"}},
    "spec":{"serviceAccountName":"default","containers":[{"name":"a"}]}})"));
  record.ip = Ipv4(172, 16, 158, 2);
  return record;
}

Result<Json> lookup(const std::string& kind, const std::string& name) {
  if (kind == "ConfigMap" && name == "settings") {
    return *parse_json(R"({"metadata":{"name":"settings","namespace":"default"},
                           "data":{"COLOR":"red","SIZE":"big"}})");
  }
  if (kind == "Secret" && name == "key") return *parse_json(R"({"data":{"token":"c2VjcmV0"}})");
  return Error(ErrorCode::not_found, "configmap \"" + name + "\" not found");
}

std::string value(const Variables& variables, const std::string& name) {
  for (const auto& [key, text] : variables) {
    if (key == name) return text;
  }
  return "(missing)";
}

TEST(Environment, ResolvesEverySource) {
  Json container = *parse_json(R"json({
    "envFrom":[{"prefix":"CFG_","configMapRef":{"name":"settings"}},
               {"configMapRef":{"name":"none","optional":true}}],
    "env":[{"name":"A","value":"one"},
           {"name":"B","value":"$(A)-two $$(A) $(NOPE)"},
           {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
           {"name":"APP","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
           {"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}},
           {"name":"TOKEN","valueFrom":{"secretKeyRef":{"name":"key","key":"token"}}},
           {"name":"SIZE","valueFrom":{"configMapKeyRef":{"name":"settings","key":"SIZE"}}}]
})json");
  auto variables = make_environment(pod(), container, node, {}, lookup);
  ASSERT_TRUE(variables) << variables.error().message();
  EXPECT_EQ(value(*variables, "CFG_COLOR"), "red");
  EXPECT_EQ(value(*variables, "B"), "one-two $(A) $(NOPE)");
  EXPECT_EQ(value(*variables, "IP"), "172.16.158.2");
  EXPECT_EQ(value(*variables, "APP"), "shop");
  EXPECT_EQ(value(*variables, "NODE"), "k8s-w1");
  EXPECT_EQ(value(*variables, "TOKEN"), "secret");
  EXPECT_EQ(value(*variables, "SIZE"), "big");
}

TEST(Environment, ResourcesAreDividedAndRoundedUp) {
  PodRecord record = pod();
  record.object["spec"]["containers"] = *parse_json(R"([
    {"name":"other","resources":{"limits":{"cpu":"3"}}},
    {"name":"a","resources":{"limits":{"cpu":"1500m","memory":"64Mi"}}}])");
  Json own = record.object["spec"]["containers"][1];
  own["env"] = *parse_json(R"([
    {"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},
    {"name":"MILLI","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}},
    {"name":"MEM","valueFrom":{"resourceFieldRef":{"resource":"limits.memory"}}},
    {"name":"MIB","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}}},
    {"name":"ASKED","valueFrom":{"resourceFieldRef":{"resource":"requests.memory"}}},
    {"name":"THEIRS","valueFrom":{"resourceFieldRef":{"containerName":"other",
                                                      "resource":"limits.cpu"}}},
    {"name":"ALL","valueFrom":{"resourceFieldRef":{"containerName":"other",
                                                   "resource":"limits.memory"}}}])");
  auto variables = make_environment(record, own, node, {}, lookup);
  ASSERT_TRUE(variables) << variables.error().message();
  EXPECT_EQ(value(*variables, "CPU"), "2");
  EXPECT_EQ(value(*variables, "MILLI"), "1500");
  EXPECT_EQ(value(*variables, "MEM"), "67108864");
  EXPECT_EQ(value(*variables, "MIB"), "64");
  EXPECT_EQ(value(*variables, "ASKED"), "0");
  EXPECT_EQ(value(*variables, "THEIRS"), "3");
  EXPECT_NE(value(*variables, "ALL"), "0") << "without a limit: what the node has";
  EXPECT_FALSE(resource_field(record, "none", *parse_json(R"({"resource":"limits.cpu"})")));
}

TEST(Environment, MissingSourcesAreErrors) {
  for (auto text :
       {R"({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"none","key":"k"}}}]})",
        R"({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"settings","key":"k"}}}]})",
        R"({"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.bogus"}}}]})",
        R"({"envFrom":[{"secretRef":{"name":"none"}}]})"}) {
    EXPECT_FALSE(make_environment(pod(), *parse_json(text), node, {}, lookup)) << text;
  }
}

TEST(Environment, ServiceVariables) {
  std::vector<Json> services{*parse_json(R"({
    "metadata":{"name":"my-web"},"spec":{"clusterIP":"10.96.0.7",
    "ports":[{"name":"http","port":80,"protocol":"TCP"}]}})"),
                             *parse_json(R"({"metadata":{"name":"h"},"spec":{"clusterIP":"None",
    "ports":[{"port":1}]}})")};
  Variables variables = service_variables(services);
  EXPECT_EQ(value(variables, "MY_WEB_SERVICE_HOST"), "10.96.0.7");
  EXPECT_EQ(value(variables, "MY_WEB_SERVICE_PORT_HTTP"), "80");
  EXPECT_EQ(value(variables, "MY_WEB_PORT"), "tcp://10.96.0.7:80");
  EXPECT_EQ(value(variables, "MY_WEB_PORT_80_TCP_ADDR"), "10.96.0.7");
  EXPECT_EQ(value(variables, "H_SERVICE_HOST"), "(missing)");
}

}  // namespace
}  // namespace hoplab::agent
