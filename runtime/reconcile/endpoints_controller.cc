#include "runtime/reconcile/endpoints_controller.h"

#include "runtime/reconcile/object_key.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* from_pods = "endpointslice-controller.k8s.io";
constexpr const char* from_endpoints = "endpointslicemirroring-controller.k8s.io";
constexpr const char* service_label = "kubernetes.io/service-name";

const api::Kind& service_kind() {
  return api::kind_of("Service");
}
const api::Kind& endpoints_kind() {
  return api::kind_of("Endpoints");
}
const api::Kind& slice_kind() {
  return api::kind_of("EndpointSlice");
}

bool has_selector(const Json& service) {
  const Json& selector = at_path(service, "spec.selector");
  return selector.is_object() && !selector.empty();
}

Result<void> unless_gone(Result<void> done) {
  if (!done && done.error().code() == ErrorCode::not_found) return {};
  return done;
}

template <typename T>
Result<void> drop_value(Result<T> result) {
  if (!result) return std::move(result).error();
  return {};
}

}  // namespace

void EndpointsController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Service" || change.kind == "Endpoints") {
    keys.push_back(api::key_of(change.any()));
    const bool removed = change.kind == "Service" && change.now == nullptr;
    if (removed || (change.kind == "Endpoints" && change.at_start)) {
      ended_.lock()->insert(keys.back());
    }
  }
  if (change.kind == "EndpointSlice") {
    // Somebody may have deleted or edited one of ours.
    const std::string service = string_or(labels_of(change.any()), service_label);
    if (!service.empty()) keys.push_back(api::namespace_of(change.any()) + "/" + service);
  }
  if (change.kind != "Pod") return;
  if (change.before != nullptr && change.now != nullptr) {
    if (!backend_changed(*change.before, *change.now)) return;
    if (labels_of(*change.before) != labels_of(*change.now)) wake_for_pod(*change.before, keys);
  }
  wake_for_pod(change.any(), keys);
}

void EndpointsController::wake_for_pod(const Json& pod, std::vector<std::string>& keys) const {
  const Json& labels = labels_of(pod);
  if (!labels.is_object() || labels.empty()) return;
  for (const SharedJson& service : registry_.all(service_kind(), api::namespace_of(pod))) {
    if (!has_selector(*service)) continue;
    const Json& selector = at_path(*service, "spec.selector");
    bool all = true;
    for (const auto& [key, value] : selector.items()) {
      if (member(labels, key) != value) {
        all = false;
        break;
      }
    }
    if (all) keys.push_back(api::key_of(*service));
  }
}

std::vector<SharedJson> EndpointsController::slices_of(const std::string& space,
                                                       const std::string& service) const {
  std::vector<SharedJson> slices = registry_.all(slice_kind(), space);
  std::erase_if(slices, [&](const SharedJson& slice) {
    const Json& labels = labels_of(*slice);
    const std::string manager = string_or(labels, "endpointslice.kubernetes.io/managed-by");
    return string_or(labels, service_label) != service ||
           (manager != from_pods && manager != from_endpoints);
  });
  return slices;
}

Result<void> EndpointsController::write_endpoints(const Json& service,
                                                  const std::vector<BackendGroup>& groups) {
  const std::string space = api::namespace_of(service);
  const std::string service_name = api::name_of(service);
  const SharedJson existing = registry_.find(endpoints_kind(), space, service_name);
  Json wanted = endpoints_object(service, groups, existing.get());
  if (existing == nullptr) {
    return drop_value(registry_.create(endpoints_kind(), space, std::move(wanted)));
  }
  if (wanted == *existing) return {};
  return drop_value(registry_.update(endpoints_kind(), space, service_name, std::move(wanted)));
}

Result<void> EndpointsController::write_slices(const std::string& space, const SlicePlan& plan) {
  for (const Json& slice : plan.create) {
    HOP_CHECK(registry_.create(slice_kind(), space, slice));
  }
  for (const Json& slice : plan.update) {
    HOP_CHECK(registry_.update(slice_kind(), space, api::name_of(slice), slice));
  }
  for (const std::string& slice : plan.remove) {
    HOP_CHECK(unless_gone(drop_value(registry_.remove(slice_kind(), space, slice))));
  }
  return {};
}

Result<void> EndpointsController::clean_up(const std::string& space, const std::string& service) {
  HOP_CHECK(unless_gone(drop_value(registry_.remove(endpoints_kind(), space, service))));
  SlicePlan plan;
  for (const SharedJson& slice : slices_of(space, service)) {
    plan.remove.push_back(api::name_of(*slice));
  }
  return write_slices(space, plan);
}

Result<std::optional<Millis>> EndpointsController::reconcile(const std::string& key) {
  const ObjectKey id = ObjectKey::parse(key);
  const SharedJson service = registry_.find(service_kind(), id.namespace_name, id.name);
  if (service == nullptr) {
    // Slices alone tell nothing: the garbage collector may have been faster.
    if (ended_.lock()->contains(key) || !slices_of(id.namespace_name, id.name).empty()) {
      HOP_CHECK(clean_up(id.namespace_name, id.name));
      ended_.lock()->erase(key);
    }
    return settled();
  }
  ended_.lock()->erase(key);
  if (is_deleting(*service)) return settled();
  if (string_or(member(*service, "spec"), "type") == "ExternalName") return settled();
  std::vector<BackendGroup> groups;
  const bool own = has_selector(*service);
  if (own) {
    groups = backends_of(*service, registry_.all(api::kind_of("Pod"), id.namespace_name));
    HOP_CHECK(write_endpoints(*service, groups));
  } else {
    const SharedJson endpoints = registry_.find(endpoints_kind(), id.namespace_name, id.name);
    if (endpoints != nullptr) groups = groups_of_endpoints(*endpoints);
  }
  HOP_CHECK(write_slices(id.namespace_name,
                         plan_slices(*service, groups, slices_of(id.namespace_name, id.name),
                                     own ? from_pods : from_endpoints)));
  return settled();
}

}  // namespace hoplab::reconcile
