#include "store/api/schema.h"

#include <gmock/gmock.h>

#include "store/api/manifest.h"
#include "store/api/schema_table.h"

namespace hoplab::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json yaml(std::string_view text) {
  auto value = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(value.ok()) << (value ? "" : value.error().message());
  return value ? std::move(value).value() : Json();
}

/// What a client would be told: the causes after pruning and defaults, one per line.
std::vector<std::string> mistakes(std::string_view text, const Json* old = nullptr) {
  Json object = yaml(text);
  const Kind* kind = find_kind(string_or(object, "apiVersion"), string_or(object, "kind"));
  EXPECT_NE(kind, nullptr) << text;
  prune_noise(object);
  apply_defaults(*kind, object);
  std::vector<std::string> out;
  for (const auto& cause : validate(*kind, object, old)) {
    out.push_back(cause.field + ": " + cause.message);
  }
  return out;
}

std::string refusal(std::string_view text, bool strict = false) {
  Json object = yaml(text);
  const Kind& kind = *find_kind(string_or(object, "apiVersion"), string_or(object, "kind"));
  apply_defaults(kind, object);
  auto causes = validate(kind, object, nullptr, {.unknown_fields_are_errors = strict});
  if (causes.empty()) return "valid";
  return invalid_object(kind, name_of(object), causes).message();
}

constexpr std::string_view web = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: nginx, ports: [{containerPort: 80}]}
)";

TEST(Schema, EveryKindHasATable) {
  for (const Kind& kind : kinds()) {
    EXPECT_NE(table_of(kind).find("metadata"), nullptr) << kind.kind;
  }
  const Field* ports = find_table("Container")->find("ports");
  ASSERT_NE(ports, nullptr);
  EXPECT_EQ(ports->merge_key, "containerPort");
  EXPECT_EQ(go_type_name(*ports), "[]v1.ContainerPort");
  EXPECT_EQ(find_table("NoSuchType"), nullptr);
}

TEST(Schema, WrongTypesReadLikeGo) {
  auto with = [](const std::string& from, const std::string& to) {
    std::string text(web);
    text.replace(text.find(from), from.size(), to);
    return refusal(text);
  };
  EXPECT_EQ(
      with("spec:\n  selector", "spec:\n  replicas: three\n  selector"),
      "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal "
      "string into Go struct field DeploymentSpec.spec.replicas of type int32");
  EXPECT_THAT(with("containerPort: 80", "containerPort: '80'"),
              HasSubstr("cannot unmarshal string into Go struct field "
                        "ContainerPort.spec.template.spec.containers.ports.containerPort of type "
                        "int32"));
  EXPECT_THAT(with("image: nginx", "image: [nginx]"),
              HasSubstr("cannot unmarshal array into Go struct field "
                        "Container.spec.template.spec.containers.image of type string"));
  EXPECT_THAT(with("image: nginx", "image: nginx, args: {a: 1}"),
              HasSubstr("cannot unmarshal object into Go struct field "
                        "Container.spec.template.spec.containers.args of type []string"));
  EXPECT_THAT(with("app: web}}\n  template", "app: yes}}\n  template"),
              HasSubstr("cannot unmarshal bool into Go struct field "
                        "LabelSelector.spec.selector.matchLabels of type string"));
  EXPECT_THAT(with("containerPort: 80", "containerPort: 99999999999"),
              HasSubstr("cannot unmarshal number 99999999999 into"));
  EXPECT_THAT(with("image: nginx", "image: nginx, resources: {limits: {cpu: lots}}"),
              HasSubstr("quantities must match the regular expression"));
  EXPECT_THAT(refusal("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: '***'}\n"),
              HasSubstr("illegal base64 data"));
  EXPECT_EQ(refusal(web), "valid");
}

TEST(Schema, UnknownFieldsAreErrorsOnlyWhenStrict) {
  std::string text(web);
  text.replace(text.find("image: nginx"), 12, "image: nginx, imagePullPolcy: Never");
  text += "  replica: 3\n";
  EXPECT_EQ(refusal(text), "valid");
  EXPECT_EQ(
      refusal(text, true),
      "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: "
      "unknown field \"spec.replica\", unknown field "
      "\"spec.template.spec.containers[0].imagePullPolcy\"");
  Json object = yaml(text);
  EXPECT_THAT(
      drop_unknown_fields(kind_of("Deployment"), object),
      testing::ElementsAre("spec.replica", "spec.template.spec.containers[0].imagePullPolcy"));
  EXPECT_FALSE(object["spec"].contains("replica"));
  EXPECT_EQ(object["spec"]["template"]["spec"]["containers"][0].size(), 3U);
}

TEST(Schema, InvalidObjectsCarryKubernetesCauses) {
  Json service = yaml(
      "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
      "spec: {ports: [{port: 0}]}\n");
  auto causes = validate(kind_of("Service"), service, nullptr);
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_EQ(causes[0].reason, "FieldValueInvalid");
  Error error = invalid_object(kind_of("Service"), "web", causes);
  EXPECT_EQ(error.code(), ErrorCode::invalid);
  EXPECT_EQ(
      error.message(),
      "Service \"web\" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and "
      "65535, inclusive");
  EXPECT_EQ(error.details().resource, "Service");
  causes.push_back(causes[0]);
  EXPECT_THAT(invalid_object(kind_of("Deployment"), "x", causes).message(),
              HasSubstr("Deployment.apps \"x\" is invalid: [spec.ports[0].port: "));
}

TEST(Schema, MetadataRules) {
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"),
              ElementsAre("metadata.name: Required value: name or generateName is required"));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: web-}\n"),
              IsEmpty());
  EXPECT_THAT(
      mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Web}\n"),
      ElementsAre(HasSubstr("metadata.name: Invalid value: \"Web\": a lowercase RFC 1123 subdomain "
                            "must consist of")));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n"),
              Contains(HasSubstr("a lowercase RFC 1123 label must consist of")));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: Node\nmetadata: {name: node, namespace: x}\n"),
              ElementsAre("metadata.namespace: Forbidden: not allowed on this type"));
  EXPECT_THAT(
      mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {'a b': 'c d'}}\n"),
      ElementsAre(HasSubstr("metadata.labels: Invalid value: \"a b\": name part must"),
                  HasSubstr("metadata.labels: Invalid value: \"c d\": a valid label must")));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {x: '" +
                       std::string(300000, 'x') + "'}}\n"),
              ElementsAre("metadata.annotations: Too long: must have at most 262144 bytes"));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a" +
                       std::string(300, 'x') + "}\n"),
              ElementsAre(HasSubstr("must be no more than 253 characters")));
}

TEST(Schema, WorkloadRules) {
  EXPECT_THAT(mistakes(web), IsEmpty());
  std::string other(web);
  other.replace(other.find("labels: {app: web}"), 18, "labels: {app: db}");
  EXPECT_THAT(mistakes(other),
              ElementsAre("spec.template.metadata.labels: Invalid value: "
                          "map[string]string{\"app\":\"db\"}: `selector` does not match template "
                          "`labels`"));
  EXPECT_THAT(
      mistakes(
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: {replicas: -1}\n"),
      ElementsAre("spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                  "spec.selector: Required value", "spec.template: Required value"));
  Json old = yaml(web);
  old["spec"]["selector"]["matchLabels"]["app"] = "old";
  EXPECT_THAT(mistakes(web, &old),
              ElementsAre("spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]"
                          "string{\"app\":\"web\"}, MatchExpressions:[]v1.LabelSelectorRequirement"
                          "(nil)}: field is immutable"));
  std::string never(web);
  never += "      restartPolicy: Never\n";
  EXPECT_THAT(
      mistakes(never),
      ElementsAre("spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported "
                  "values: \"Always\""));
  std::string recreate(web);
  recreate += "  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}\n";
  EXPECT_THAT(mistakes(recreate),
              ElementsAre(HasSubstr("spec.strategy.rollingUpdate: Forbidden: may "
                                    "not be specified when")));
  std::string stuck(web);
  stuck += "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}\n";
  EXPECT_THAT(mistakes(stuck), ElementsAre(HasSubstr("may not be 0 when `maxSurge` is 0")));
}

TEST(Schema, ConfigRules) {
  Json old = yaml(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: a\nimmutable: true\n"
      "data: {k: YQ==}\n");
  EXPECT_THAT(
      mistakes("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: b\ndata: {}\n", &old),
      ElementsAre("type: Invalid value: \"b\": field is immutable",
                  "immutable: Forbidden: field is immutable when `immutable` is set",
                  "data: Forbidden: field is immutable when `immutable` is set"));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {'a b': x}\n"),
              ElementsAre(HasSubstr("data[a b]: Invalid value: \"a b\": a valid config key must")));
  EXPECT_THAT(mistakes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {k: " +
                       std::string(1100000, 'x') + "}\n"),
              ElementsAre(": Too long: must have at most 1048576 bytes"));
}

TEST(Schema, CalicoRules) {
  auto pool = [](std::string_view spec) {
    return mistakes(
        "apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: p}\nspec: " +
        std::string(spec) + "\n");
  };
  EXPECT_THAT(pool("{cidr: 172.16.0.0/16, blockSize: 24, ipipMode: Always, natOutgoing: true}"),
              IsEmpty());
  EXPECT_THAT(pool("{cidr: 172.16.1.0/16}"),
              ElementsAre("spec.cidr: Invalid value: \"172.16.1.0/16\": host bits are set; did you "
                          "mean 172.16.0.0/16?"));
  EXPECT_THAT(
      pool("{cidr: 172.16.0.0/16, blockSize: 8}"),
      ElementsAre(HasSubstr("spec.blockSize: Invalid value: 8: must be between 20 and 32")));
  EXPECT_THAT(pool("{cidr: 172.16.0.0/28}"), ElementsAre(HasSubstr("IP pool size is too small")));
  EXPECT_THAT(pool("{cidr: 172.16.0.0}"), ElementsAre(HasSubstr("must be a valid CIDR value")));
  EXPECT_THAT(pool("{cidr: 172.16.0.0/16, ipipMode: Always, vxlanMode: Always}"),
              ElementsAre(HasSubstr("cannot both be enabled")));
  EXPECT_THAT(pool("{cidr: 172.16.0.0/16, ipipMode: Maybe}"),
              ElementsAre(HasSubstr("supported values: \"Always\", \"CrossSubnet\", \"Never\"")));
  EXPECT_THAT(
      mistakes("apiVersion: crd.projectcalico.org/v1\nkind: IPAMBlock\nmetadata: {name: b}\n"
               "spec: {cidr: 172.16.0.0/30, allocations: [0, null, 1, null], unallocated: "
               "[1, 4], attributes: [{handle_id: h}]}\n"),
      ElementsAre(HasSubstr("spec.allocations[2]: Invalid value: 1"),
                  HasSubstr("spec.unallocated[1]: Invalid value: 4")));
}

}  // namespace
}  // namespace hoplab::api
