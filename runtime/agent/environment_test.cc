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
