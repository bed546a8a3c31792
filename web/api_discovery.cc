#include "web/api_discovery.h"

#include <algorithm>
#include <vector>

#include "runtime/base/text.h"
#include "store/api/kind.h"

namespace hoplab::web {

namespace {

constexpr std::string_view review_group = "authorization.k8s.io";

/// A subresource as discovery shows it. Empty kind = the parent's own.
struct DiscoveredSubresource {
  std::string name;
  std::string group;
  std::string version;
  std::string kind;
  std::vector<std::string> verbs;
};

std::vector<DiscoveredSubresource> subresources_of(const api::Kind& kind) {
  std::vector<DiscoveredSubresource> out;
  if (kind.kind == "Pod") {
    out = {{"attach", "", "v1", "PodAttachOptions", {"create", "get"}},
           {"binding", "", "v1", "Binding", {"create"}},
           {"eviction", "policy", "v1", "Eviction", {"create"}},
           {"exec", "", "v1", "PodExecOptions", {"create", "get"}},
           {"log", "", "", "", {"get"}},
           {"portforward", "", "v1", "PodPortForwardOptions", {"create", "get"}}};
  }
  if (kind.kind == "ServiceAccount") {
    out.push_back({"token", "authentication.k8s.io", "v1", "TokenRequest", {"create"}});
  }
  if (kind.kind == "Namespace") out.push_back({"finalize", "", "", "", {"update"}});
  if (kind.has_scale) {
    out.push_back({"scale", "autoscaling", "v1", "Scale", {"get", "patch", "update"}});
  }
  if (kind.has_status) out.push_back({"status", "", "", "", {"get", "patch", "update"}});
  return out;
}

Json strings(std::span<const std::string_view> texts) {
  Json out = Json::array();
  for (std::string_view text : texts) out.push_back(text);
  return out;
}

Json all_verbs() {
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

std::vector<std::string> group_names() {
  std::vector<std::string> out;
  for (const api::Kind& kind : api::kinds()) {
    std::string group(kind.group);
    if (!group.empty() && std::find(out.begin(), out.end(), group) == out.end()) {
      out.push_back(group);
    }
  }
  out.emplace_back(review_group);
  return out;
}

std::vector<std::string> versions_of(std::string_view group) {
  std::vector<std::string> out;
  for (const api::Kind& kind : api::kinds()) {
    if (kind.group == group && std::find(out.begin(), out.end(), kind.version) == out.end()) {
      out.emplace_back(kind.version);
    }
  }
  if (group == review_group) out.emplace_back("v1");
  return out;
}

Json group_object(const std::string& group) {
  Json versions = Json::array();
  for (const std::string& version : versions_of(group)) {
    versions.push_back({{"groupVersion", group + "/" + version}, {"version", version}});
  }
  return {{"name", group}, {"versions", versions}, {"preferredVersion", versions[0]}};
}

void add_resource(Json& resources, const api::Kind& kind) {
  Json row = {{"name", kind.plural},
              {"singularName", kind.singular},
              {"namespaced", kind.namespaced},
              {"kind", kind.kind},
              {"verbs", all_verbs()}};
  if (!kind.short_names.empty()) row["shortNames"] = strings(kind.short_names);
  if (!kind.categories.empty()) row["categories"] = strings(kind.categories);
  resources.push_back(std::move(row));
  for (const DiscoveredSubresource& sub : subresources_of(kind)) {
    Json entry = {{"name", std::string(kind.plural) + "/" + sub.name},
                  {"singularName", ""},
                  {"namespaced", kind.namespaced},
                  {"kind", sub.kind.empty() ? std::string(kind.kind) : sub.kind},
                  {"verbs", sub.verbs}};
    if (!sub.group.empty()) {
      entry["group"] = sub.group;
      entry["version"] = sub.version;
    }
    resources.push_back(std::move(entry));
  }
}

Json resource_list(std::string_view group, std::string_view version) {
  Json resources = Json::array();
  for (const api::Kind& kind : api::kinds()) {
    if (kind.group == group && kind.version == version) add_resource(resources, kind);
  }
  if (group == review_group) {
    resources.push_back({{"name", "selfsubjectaccessreviews"},
                         {"singularName", ""},
                         {"namespaced", false},
                         {"kind", "SelfSubjectAccessReview"},
                         {"verbs", {"create"}}});
  }
  std::string group_version(group);
  group_version += group.empty() ? "" : "/";
  group_version += version;
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version},
          {"resources", resources}};
}

Json aggregated_kind(std::string_view group, std::string_view version, std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

Json aggregated_resource(const api::Kind& kind) {
  Json row = {{"resource", kind.plural},
              {"responseKind", aggregated_kind(kind.group, kind.version, kind.kind)},
              {"scope", kind.namespaced ? "Namespaced" : "Cluster"},
              {"singularResource", kind.singular},
              {"verbs", all_verbs()}};
  if (!kind.short_names.empty()) row["shortNames"] = strings(kind.short_names);
  if (!kind.categories.empty()) row["categories"] = strings(kind.categories);
  for (const DiscoveredSubresource& sub : subresources_of(kind)) {
    Json as =
        sub.kind.empty() ? row["responseKind"] : aggregated_kind(sub.group, sub.version, sub.kind);
    row["subresources"].push_back(
        {{"subresource", sub.name}, {"responseKind", as}, {"verbs", sub.verbs}});
  }
  return row;
}

Json aggregated_group(const std::string& group) {
  Json versions = Json::array();
  for (const std::string& version : versions_of(group)) {
    Json resources = Json::array();
    for (const api::Kind& kind : api::kinds()) {
      if (kind.group == group && kind.version == version) {
        resources.push_back(aggregated_resource(kind));
      }
    }
    if (group == review_group) {
      resources.push_back(
          {{"resource", "selfsubjectaccessreviews"},
           {"responseKind", aggregated_kind(group, version, "SelfSubjectAccessReview")},
           {"scope", "Cluster"},
           {"singularResource", ""},
           {"verbs", {"create"}}});
    }
    versions.push_back({{"version", version}, {"resources", resources}, {"freshness", "Current"}});
  }
  Json metadata = Json::object();
  if (!group.empty()) metadata["name"] = group;
  return {{"metadata", metadata}, {"versions", versions}};
}

/// "v2" or "v2beta1" when the client takes the aggregated form, else "".
std::string aggregated_form(const HttpRequest& request) {
  for (const std::string& accepted : header_values(request.headers, "Accept")) {
    if (accepted.find("as=APIGroupDiscoveryList") == std::string::npos) continue;
    if (accepted.find("v=v2beta1") != std::string::npos) return "v2beta1";
    if (accepted.find("v=v2") != std::string::npos) return "v2";
  }
  return {};
}

HttpResponse aggregated_response(const std::vector<std::string>& groups, const std::string& form) {
  Json items = Json::array();
  for (const std::string& group : groups) items.push_back(aggregated_group(group));
  HttpResponse response = json_response(200, {{"kind", "APIGroupDiscoveryList"},
                                              {"apiVersion", "apidiscovery.k8s.io/" + form},
                                              {"metadata", Json::object()},
                                              {"items", items}});
  // The client checks that the answer repeats the form it asked for.
  response.content_type =
      "application/json;g=apidiscovery.k8s.io;v=" + form + ";as=APIGroupDiscoveryList";
  return response;
}

HttpResponse api_versions(const HttpRequest& request) {
  return json_response(
      200, {{"kind", "APIVersions"},
            {"versions", {"v1"}},
            {"serverAddressByClientCIDRs",
             {{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", request.header("Host")}}}}});
}

HttpResponse group_list() {
  Json groups = Json::array();
  for (const std::string& group : group_names()) groups.push_back(group_object(group));
  return json_response(200, {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", groups}});
}

}  // namespace

std::optional<HttpResponse> discovery_response(const HttpRequest& request) {
  std::string_view path = request.path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string form = aggregated_form(request);
  if (path == "/api") {
    return form.empty() ? api_versions(request) : aggregated_response({""}, form);
  }
  if (path == "/apis") {
    return form.empty() ? group_list() : aggregated_response(group_names(), form);
  }
  auto parts = split(path.substr(std::min<size_t>(1, path.size())), '/');
  if (path == "/api/v1") return json_response(200, resource_list("", "v1"));
  if (parts.size() < 2 || parts.size() > 3 || parts[0] != "apis") return std::nullopt;
  std::string group(parts[1]);
  auto versions = versions_of(group);
  if (group.empty() || versions.empty()) return std::nullopt;
  if (parts.size() == 2) {
    Json object = group_object(group);
    object["kind"] = "APIGroup";
    object["apiVersion"] = "v1";
    return json_response(200, object);
  }
  if (std::find(versions.begin(), versions.end(), parts[2]) == versions.end()) return std::nullopt;
  return json_response(200, resource_list(group, parts[2]));
}

}  // namespace hoplab::web
