#include "runtime/reconcile/bootstrap.h"

#include "runtime/base/text.h"
#include "runtime/reconcile/system_objects.h"

namespace hoplab::reconcile {
namespace {

const api::Kind& kind_of_object(const Json& object) {
  return api::kind_of(object["kind"].get_ref<const std::string&>());
}

Result<void> ensure(Registry& registry, const Json& object) {
  const api::Kind& kind = kind_of_object(object);
  const std::string space = api::namespace_of(object);
  const std::string name = api::name_of(object);
  const SharedJson existing = registry.find(kind, space, name);
  if (existing == nullptr) {
    auto made = registry.create(kind, space, object);
    if (made.ok() || made.error().code() == ErrorCode::already_exists) return {};
    return std::move(made).error().context(str("creating the cluster's ", kind.kind, " ", name));
  }
  if (kind.kind != "Endpoints") return {};
  Json wanted = *existing;
  wanted["subsets"] = object["subsets"];
  HOP_CHECK(registry.update(kind, space, name, std::move(wanted)));
  return {};
}

}  // namespace

Result<void> bootstrap_cluster(Registry& registry, const plan::ClusterConfig* config) {
  for (const Json& object : system_objects(config)) HOP_CHECK(ensure(registry, object));
  return {};
}

}  // namespace hoplab::reconcile
