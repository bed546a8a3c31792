#include <algorithm>
#include <cctype>

#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_merge.h"
#include "cmd/kubectl_output.h"
#include "runtime/base/base64.h"

namespace hoplab::cmd::kubectl {

namespace {

/// "creationTimestamp" -> "Creation Timestamp", "apiVersion" -> "API Version".
std::string field_label(const std::string& name) {
  std::vector<std::string> words;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool capital = std::isupper(c) != 0;
    const bool after_small = i > 0 && std::isupper(static_cast<unsigned char>(name[i - 1])) == 0;
    const bool before_small =
        i + 1 < name.size() && std::islower(static_cast<unsigned char>(name[i + 1])) != 0;
    if (i == 0 || (capital && (after_small || before_small))) words.emplace_back();
    words.back() += name[i];
  }
  for (std::string& word : words) {
    const std::string lower = to_lower(word);
    const bool acronym =
        lower == "api" || lower == "url" || lower == "uid" || lower == "guid" || lower == "osb";
    for (size_t i = 0; i < word.size() && (acronym || i == 0); ++i) {
      word[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[i])));
    }
  }
  return join(words, " ");
}

bool is_shown_elsewhere(const std::string& path) {
  return path == "metadata.name" || path == "metadata.namespace" || path == "metadata.labels" ||
         path == "metadata.annotations";
}

void describe_fields(const Json& object, const std::string& path, int level, DescribeText& out) {
  for (auto it = object.begin(); it != object.end(); ++it) {
    const std::string here = path.empty() ? it.key() : path + "." + it.key();
    if (is_shown_elsewhere(here)) continue;
    const std::string label = field_label(it.key());
    if (it->is_object()) {
      out.line(level, label, ":");
      describe_fields(*it, here, level + 1, out);
    } else if (it->is_array()) {
      out.line(level, label, ":");
      for (const Json& item : *it) {
        if (item.is_object()) {
          describe_fields(item, here, level + 1, out);
        } else {
          out.line(level + 1, go_text(item));
        }
      }
    } else {
      out.line(level, label, ":\t", it->is_null() ? "<nil>" : go_text(*it));
    }
  }
}

}  // namespace

void describe_namespace(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  out.line(0, "Status:\t", string_or(member(input.object, "status"), "phase"));
}

void describe_config_map(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  out.add("\nData\n====\n");
  const Json& data = member(input.object, "data");
  for (auto it = data.begin(); data.is_object() && it != data.end(); ++it) {
    out.add(str(it.key(), ":\n----\n", go_text(*it), "\n"));
  }
  describe_events(input, out);
}

void describe_secret(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  const std::string type = string_or(input.object, "type");
  out.add(str("\nType:\t", type, "\n\nData\n====\n"));
  const Json& data = member(input.object, "data");
  for (auto it = data.begin(); data.is_object() && it != data.end(); ++it) {
    auto bytes = base64_decode(go_text(*it));
    const std::string value = bytes ? *bytes : std::string();
    if (it.key() == "token" && type == "kubernetes.io/service-account-token") {
      out.line(0, it.key(), ":\t", value);
    } else {
      out.line(0, it.key(), ":\t", value.size(), " bytes");
    }
  }
}

namespace {

std::vector<std::string> names_in(const Json& references) {
  std::vector<std::string> names;
  for (size_t i = 0; references.is_array() && i < references.size(); ++i) {
    names.push_back(string_or(references[i], "name"));
  }
  return names;
}

/// The Secrets with tokens of this ServiceAccount.
std::vector<std::string> tokens_of(const DescribeInput& input) {
  std::vector<std::string> names;
  for (const Json& secret : input.secrets) {
    const Json& annotations = at_path(secret, "metadata.annotations");
    if (string_or(secret, "type") == "kubernetes.io/service-account-token" &&
        string_or(annotations, "kubernetes.io/service-account.name") ==
            api::name_of(input.object)) {
      names.push_back(api::name_of(secret));
    }
  }
  return names;
}

}  // namespace

void describe_service_account(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  std::vector<std::string> present;
  for (const Json& secret : input.secrets) present.push_back(api::name_of(secret));
  const std::pair<std::string_view, std::vector<std::string>> lists[] = {
      {"Image pull secrets:", names_in(member(input.object, "imagePullSecrets"))},
      {"Mountable secrets: ", names_in(member(input.object, "secrets"))},
      {"Tokens:            ", tokens_of(input)}};
  for (const auto& [title, names] : lists) {
    if (names.empty()) out.line(0, title, "\t<none>");
    for (size_t i = 0; i < names.size(); ++i) {
      const bool found = std::find(present.begin(), present.end(), names[i]) != present.end();
      out.line(0, i == 0 ? title : std::string(title.size(), ' '), "\t", names[i],
               found ? "" : " (not found)");
    }
  }
  describe_events(input, out);
}

void describe_any(const DescribeInput& input, DescribeText& out) {
  out.line(0, "Name:\t", api::name_of(input.object));
  out.line(0, "Namespace:\t", api::namespace_of(input.object));
  describe_labels(input, out);
  describe_fields(input.object, "", 0, out);
  describe_events(input, out);
}

std::string describe_object(const DescribeInput& input) {
  using Describe = void (*)(const DescribeInput&, DescribeText&);
  static constexpr std::pair<std::string_view, Describe> by_kind[] = {
      {"Pod", describe_pod},
      {"Node", describe_node},
      {"Service", describe_service},
      {"Endpoints", describe_endpoints},
      {"EndpointSlice", describe_endpoint_slice},
      {"Deployment", describe_deployment},
      {"ReplicaSet", describe_replica_set},
      {"DaemonSet", describe_daemon_set},
      {"Namespace", describe_namespace},
      {"ConfigMap", describe_config_map},
      {"Secret", describe_secret},
      {"ServiceAccount", describe_service_account},
  };
  Describe describe = describe_any;
  for (const auto& [kind, function] : by_kind) {
    if (kind == input.kind->kind) describe = function;
  }
  DescribeText out;
  describe(input, out);
  return out.aligned();
}

}  // namespace hoplab::cmd::kubectl
