#include "runtime/base/text.h"
#include "store/api/selector.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

using namespace field_error;

namespace {

/// As Go prints a selector in "field is immutable" messages.
std::string go_selector(const Json& selector) {
  const Json& labels = member(selector, "matchLabels");
  std::string map = labels.is_object() ? go_value(labels) : std::string("map[string]string(nil)");
  const Json& expressions = member(selector, "matchExpressions");
  std::string list = "[]v1.LabelSelectorRequirement(nil)";
  if (expressions.is_array() && !expressions.empty()) list = dump_json(expressions);
  return str("v1.LabelSelector{MatchLabels:", map, ", MatchExpressions:", list, "}");
}

void check_selector(const Json& spec, const Json& template_labels, Causes& out) {
  const Json& selector = member(spec, "selector");
  bool empty =
      member(selector, "matchLabels").empty() && member(selector, "matchExpressions").empty();
  if (selector.is_object() && !selector.empty() && empty) {
    out.push_back(invalid("spec.selector", Json(), "empty selector is invalid for deployment"));
    out.back().message =
        "Invalid value: " + go_selector(selector) + ": empty selector is invalid for this kind";
    return;
  }
  auto parsed = LabelSelector::from_json(selector);
  if (!selector.is_object() || empty || !parsed) return;
  if (!parsed->matches(template_labels)) {
    Json labels = template_labels.is_object() ? template_labels : Json::object();
    out.push_back(invalid("spec.template.metadata.labels", labels,
                          "`selector` does not match template `labels`"));
  }
}

void check_template(const Json& pod_spec, Causes& out) {
  std::string restart = string_or(pod_spec, "restartPolicy", "Always");
  static constexpr std::string_view always[] = {"Always"};
  bool known = restart == "OnFailure" || restart == "Never";
  if (known) out.push_back(not_supported("spec.template.spec.restartPolicy", restart, always));
  if (pod_spec.contains("activeDeadlineSeconds")) {
    out.push_back(forbidden("spec.template.spec.activeDeadlineSeconds",
                            "activeDeadlineSeconds in ReplicaSet is not Supported"));
  }
}

bool is_zero(const Json& value) {
  return value == 0 || value == "0%";
}

void check_strategy(const Kind& kind, const Json& spec, Causes& out) {
  bool deployment = kind.kind == "Deployment";
  std::string path = deployment ? "spec.strategy" : "spec.updateStrategy";
  const Json& strategy = member(spec, deployment ? "strategy" : "updateStrategy");
  const Json& rolling = member(strategy, "rollingUpdate");
  if (string_or(strategy, "type") == "Recreate" && !rolling.is_null()) {
    out.push_back(forbidden(path + ".rollingUpdate",
                            "may not be specified when strategy `type` is 'Recreate'"));
  }
  if (is_zero(member(rolling, "maxUnavailable")) && is_zero(member(rolling, "maxSurge"))) {
    out.push_back(invalid(
        path + ".rollingUpdate.maxUnavailable", member(rolling, "maxUnavailable"),
        deployment ? "may not be 0 when `maxSurge` is 0" : "cannot be 0 when maxSurge is 0"));
  }
}

}  // namespace

void check_workload(const Kind& kind, const Json& object, const Json* old_object, Causes& out) {
  const Json& spec = member(object, "spec");
  if (!spec.is_object()) return;
  const Json& pod_template = member(spec, "template");
  check_selector(spec, member(member(pod_template, "metadata"), "labels"), out);
  if (pod_template.is_object()) {
    if (!member(pod_template, "spec").is_object()) {
      out.push_back(required("spec.template.spec.containers"));
    }
    check_template(member(pod_template, "spec"), out);
  }
  check_strategy(kind, spec, out);
  if (old_object == nullptr) return;
  const Json& selector = member(spec, "selector");
  if (selector == member(member(*old_object, "spec"), "selector")) return;
  out.push_back(invalid("spec.selector", Json(), "field is immutable"));
  out.back().message = str("Invalid value: ", go_selector(selector), ": field is immutable");
}

void check_config(const Kind& kind, const Json& object, const Json* old_object, Causes& out) {
  constexpr size_t max_bytes = 1U << 20U;
  size_t bytes = 0;
  for (const char* field : {"data", "binaryData", "stringData"}) {
    const Json& data = member(object, field);
    if (!data.is_object()) continue;
    for (auto it = data.begin(); it != data.end(); ++it) {
      add_problems(config_key_problems(it.key()), str(field, "[", it.key(), "]"), it.key(), out);
      bytes += it->is_string() ? it->get_ref<const std::string&>().size() : 0;
      if (std::string_view(field) == "binaryData" && member(object, "data").contains(it.key())) {
        out.push_back(invalid(str("data[", it.key(), "]"), it.key(),
                              "duplicate of key present in binaryData"));
      }
    }
  }
  if (bytes > max_bytes)
    out.push_back(too_long("", str("must have at most ", max_bytes, " bytes")));
  if (old_object == nullptr) return;
  if (kind.kind == "Secret") {
    const Json& type = member(object, "type");
    if (type != member(*old_object, "type")) {
      out.push_back(invalid("type", type, "field is immutable"));
    }
  }
  if (!bool_or(*old_object, "immutable")) return;
  if (!bool_or(object, "immutable")) {
    out.push_back(forbidden("immutable", "field is immutable when `immutable` is set"));
  }
  for (const char* field : {"data", "binaryData"}) {
    if (member(object, field) == member(*old_object, field)) continue;
    out.push_back(forbidden(field, "field is immutable when `immutable` is set"));
  }
}

}  // namespace hoplab::api
