#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"

/// The Kubernetes objects that hoplab serves: names, schema, defaults, validation, patches. Pure:
/// nothing here does I/O or knows the store. Objects travel as `Json`; typed views of the kinds
/// that the planners read are in pod.h, service.h, ….
namespace hoplab::api {

/// One served resource. The table is fixed at compile time; pointers to its rows stay valid.
struct Kind {
  std::string_view group;    ///< "" is the core group.
  std::string_view version;  ///< "v1"
  std::string_view kind;     ///< "Pod"
  std::string_view plural;   ///< "pods"
  std::string_view singular;
  bool namespaced = true;
  bool has_status = false;  ///< Serves /status; then a change outside status bumps generation.
  bool has_scale = false;
  std::span<const std::string_view> short_names;
  std::span<const std::string_view> categories;  ///< {"all"} for `kubectl get all`.

  /// "v1" or "apps/v1".
  [[nodiscard]] std::string api_version() const;
  /// "pods" or "deployments.apps", as error messages name it.
  [[nodiscard]] std::string qualified_resource() const;
  /// "Pod" or "Deployment.apps", as "... is invalid" messages name it.
  [[nodiscard]] std::string qualified_kind() const;
};

/// All served kinds, in discovery order.
std::span<const Kind> kinds();
/// By URL: group "" or "apps", version "v1", plural "pods". Null when not served.
const Kind* find_resource(std::string_view group, std::string_view version,
                          std::string_view plural);
/// By manifest: apiVersion "apps/v1", kind "Deployment". Null when not served.
const Kind* find_kind(std::string_view api_version, std::string_view kind);
/// By what a person types: plural, singular, short name or kind, any case, optionally ".group".
const Kind* find_by_any_name(std::string_view name);
/// A kind that must exist (a name we wrote ourselves); aborts when it does not.
const Kind& kind_of(std::string_view kind);

// Everyday readers of metadata; empty strings for what is missing.
std::string name_of(const Json& object);
std::string namespace_of(const Json& object);
std::string uid_of(const Json& object);
/// metadata.resourceVersion as a number, 0 when missing.
int64_t revision_of(const Json& object);
/// "namespace/name", or "name" without a namespace.
std::string key_of(const Json& object);

}  // namespace hoplab::api
