#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/api/kind.h"

namespace hoplab::web {

/// What a path below /api or /apis names.
struct ResourcePath {
  const api::Kind* kind = nullptr;
  std::string namespace_name;  ///< Empty = all namespaces, or a cluster-scoped kind.
  std::string name;            ///< Empty = the collection.
  std::string subresource;     ///< "status", "log", …; empty = the object itself.
  /// An older API version, in which single objects can be read; empty = the kind's own.
  std::string older_version;
};

/// "/api/v1/namespaces/default/pods/web/log" and the like; nullopt when no served kind is named.
std::optional<ResourcePath> parse_resource_path(std::string_view path);

}  // namespace hoplab::web
