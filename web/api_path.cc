#include "web/api_path.h"

#include <vector>

#include "runtime/base/text.h"

namespace hoplab::web {

namespace {

using Parts = std::vector<std::string_view>;

/// parts[at…] = PLURAL[/NAME[/SUBRESOURCE]]
bool read_resource(const Parts& parts, size_t at, std::string_view group, std::string_view version,
                   ResourcePath& out) {
  if (at >= parts.size() || parts.size() > at + 3) return false;
  out.kind = api::find_resource(group, version, parts[at]);
  if (out.kind == nullptr) return false;
  if (parts.size() > at + 1) out.name = parts[at + 1];
  if (parts.size() > at + 2) out.subresource = parts[at + 2];
  return parts.size() == at + 1 || !out.name.empty();
}

}  // namespace

std::optional<ResourcePath> parse_resource_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  Parts parts = split(path, '/');
  std::string_view group;
  size_t at = 0;
  if (parts.size() > 2 && parts[0] == "api") {
    at = 1;
  } else if (parts.size() > 3 && parts[0] == "apis") {
    group = parts[1];
    at = 2;
  } else {
    return std::nullopt;
  }
  std::string_view version = parts[at++];
  ResourcePath out;
  // kubectl up to 1.20 describes EndpointSlices in this version, whatever discovery says.
  if (group == "discovery.k8s.io" && version == "v1beta1") {
    out.older_version = "discovery.k8s.io/v1beta1";
    version = "v1";
  }
  // namespaces/NS/PLURAL… is a namespaced resource unless PLURAL is a subresource of namespaces.
  const bool in_namespace = parts[at] == "namespaces" && parts.size() > at + 2 &&
                            parts[at + 2] != "status" && parts[at + 2] != "finalize";
  if (in_namespace) {
    out.namespace_name = parts[at + 1];
    if (out.namespace_name.empty() || !read_resource(parts, at + 2, group, version, out) ||
        !out.kind->namespaced) {
      return std::nullopt;
    }
    return out;
  }
  if (!read_resource(parts, at, group, version, out)) return std::nullopt;
  // Objects of namespaced kinds are reached only through their namespace; lists across all may not
  // name one.
  if (out.kind->namespaced && !out.name.empty()) return std::nullopt;
  return out;
}

}  // namespace hoplab::web
