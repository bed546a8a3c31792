#include "store/api/kind.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "runtime/base/text.h"

namespace hoplab::api {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view all[] = {"all"};
constexpr std::string_view cm[] = {"cm"};
constexpr std::string_view ep[] = {"ep"};
constexpr std::string_view ev[] = {"ev"};
constexpr std::string_view ns[] = {"ns"};
constexpr std::string_view no[] = {"no"};
constexpr std::string_view po[] = {"po"};
constexpr std::string_view sa[] = {"sa"};
constexpr std::string_view svc[] = {"svc"};
constexpr std::string_view ds[] = {"ds"};
constexpr std::string_view deploy[] = {"deploy"};
constexpr std::string_view rs[] = {"rs"};
constexpr Names none{};

constexpr std::string_view calico = "crd.projectcalico.org";

// group, version, kind, plural, singular, namespaced, has_status, has_scale, short names,
// categories
constexpr Kind table[] = {
    {"", "v1", "ConfigMap", "configmaps", "configmap", true, false, false, cm, none},
    {"", "v1", "Endpoints", "endpoints", "endpoints", true, false, false, ep, none},
    {"", "v1", "Event", "events", "event", true, false, false, ev, none},
    {"", "v1", "Namespace", "namespaces", "namespace", false, true, false, ns, none},
    {"", "v1", "Node", "nodes", "node", false, true, false, no, none},
    {"", "v1", "Pod", "pods", "pod", true, true, false, po, all},
    {"", "v1", "Secret", "secrets", "secret", true, false, false, none, none},
    {"", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", true, false, false, sa, none},
    {"", "v1", "Service", "services", "service", true, true, false, svc, all},
    {"apps", "v1", "DaemonSet", "daemonsets", "daemonset", true, true, false, ds, all},
    {"apps", "v1", "Deployment", "deployments", "deployment", true, true, true, deploy, all},
    {"apps", "v1", "ReplicaSet", "replicasets", "replicaset", true, true, true, rs, all},
    {"coordination.k8s.io", "v1", "Lease", "leases", "lease", true, false, false, none, none},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "endpointslice", true, false,
     false, none, none},
    {calico, "v1", "BlockAffinity", "blockaffinities", "blockaffinity", false, false, false, none,
     none},
    {calico, "v1", "IPAMBlock", "ipamblocks", "ipamblock", false, false, false, none, none},
    {calico, "v1", "IPAMHandle", "ipamhandles", "ipamhandle", false, false, false, none, none},
    {calico, "v1", "IPPool", "ippools", "ippool", false, false, false, none, none},
};

template <typename Predicate>
const Kind* find_if(Predicate predicate) {
  const auto* it = std::find_if(std::begin(table), std::end(table), predicate);
  return it == std::end(table) ? nullptr : it;
}

/// "apps" or "v1.apps", as written behind the first dot of "deployments.apps".
bool group_fits(const Kind& kind, std::string_view suffix) {
  if (suffix.empty() || suffix == kind.group) return true;
  return suffix == str(kind.version, ".", kind.group);
}

}  // namespace

std::string Kind::api_version() const {
  return group.empty() ? std::string(version) : str(group, "/", version);
}

std::string Kind::qualified_resource() const {
  return group.empty() ? std::string(plural) : str(plural, ".", group);
}

std::string Kind::qualified_kind() const {
  return group.empty() ? std::string(kind) : str(kind, ".", group);
}

std::span<const Kind> kinds() {
  return table;
}

const Kind* find_resource(std::string_view group, std::string_view version,
                          std::string_view plural) {
  return find_if([&](const Kind& row) {
    return row.group == group && row.version == version && row.plural == plural;
  });
}

const Kind* find_kind(std::string_view api_version, std::string_view kind) {
  return find_if(
      [&](const Kind& row) { return row.kind == kind && row.api_version() == api_version; });
}

const Kind* find_by_any_name(std::string_view name) {
  std::string lower = to_lower(name);
  std::string_view word = lower;
  std::string_view suffix;
  if (auto dot = word.find('.'); dot != std::string_view::npos) {
    suffix = word.substr(dot + 1);
    word = word.substr(0, dot);
  }
  return find_if([&](const Kind& row) {
    bool named =
        word == row.plural || word == row.singular || word == to_lower(row.kind) ||
        std::find(row.short_names.begin(), row.short_names.end(), word) != row.short_names.end();
    return named && group_fits(row, suffix);
  });
}

const Kind& kind_of(std::string_view kind) {
  const Kind* found = find_if([&](const Kind& row) { return row.kind == kind; });
  if (found == nullptr) std::abort();
  return *found;
}

std::string name_of(const Json& object) {
  return string_or(member(object, "metadata"), "name");
}

std::string namespace_of(const Json& object) {
  return string_or(member(object, "metadata"), "namespace");
}

std::string uid_of(const Json& object) {
  return string_or(member(object, "metadata"), "uid");
}

int64_t revision_of(const Json& object) {
  std::string text = string_or(member(object, "metadata"), "resourceVersion");
  int64_t revision = 0;
  const char* end = text.data() + text.size();
  auto [rest, failed] = std::from_chars(text.data(), end, revision);
  return failed == std::errc() && rest == end && revision >= 0 ? revision : 0;
}

std::string key_of(const Json& object) {
  std::string space = namespace_of(object);
  return space.empty() ? name_of(object) : str(space, "/", name_of(object));
}

}  // namespace hoplab::api
