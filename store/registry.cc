#include "store/registry.h"

#include "runtime/base/text.h"
#include "store/errors.h"
#include "store/registry_watch.h"

namespace hoplab {

std::string store_prefix(const api::Kind& kind, const std::string& namespace_name) {
  std::string prefix = kind.qualified_resource() + "/";
  if (kind.namespaced && !namespace_name.empty()) prefix += namespace_name + "/";
  return prefix;
}

std::string store_key(const api::Kind& kind, const std::string& namespace_name,
                      const std::string& name) {
  return store_prefix(kind, namespace_name) + name;
}

Registry::Registry(ObjectStore& store, const Clock& clock, RegistryOptions options)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      service_index_(options_.services) {}

Result<std::unique_ptr<Registry>> Registry::open(ObjectStore& store, const Clock& clock,
                                                 RegistryOptions options) {
  std::unique_ptr<Registry> registry(new Registry(store, clock, std::move(options)));
  {
    std::lock_guard held(registry->services_mutex_);
    const Snapshot services = store.list(store_prefix(api::kind_of("Service"), ""));
    for (const SharedJson& service : services.objects) {
      registry->service_index_.replace(nullptr, service.get());
    }
  }
  const Snapshot namespaces = store.list(store_prefix(api::kind_of("Namespace"), ""));
  for (const SharedJson& space : namespaces.objects) {
    HOP_CHECK(registry->ensure_service_accounts(api::name_of(*space)));
  }
  return registry;
}

Result<Json> Registry::get(const api::Kind& kind, const std::string& namespace_name,
                           const std::string& name) {
  const SharedJson object = store_.get(store_key(kind, namespace_name, name));
  if (object == nullptr) return object_not_found(kind, name);
  return *object;
}

SharedJson Registry::find(const api::Kind& kind, const std::string& namespace_name,
                          const std::string& name) const {
  return store_.get(store_key(kind, namespace_name, name));
}

std::vector<SharedJson> Registry::all(const api::Kind& kind,
                                      const std::string& namespace_name) const {
  return store_.list(store_prefix(kind, namespace_name)).objects;
}

Result<Snapshot> Registry::snapshot(const api::Kind& kind, const Selection& selection,
                                    int64_t revision) {
  HOP_TRY(const ObjectFilter filter, ObjectFilter::parse(selection));
  const std::string prefix = store_prefix(kind, selection.namespace_name);
  Snapshot found;
  if (revision == 0) {
    found = store_.list(prefix);
  } else {
    HOP_TRY(found, store_.list_at(prefix, revision));
  }
  std::erase_if(found.objects, [&](const SharedJson& object) { return !filter.matches(*object); });
  return found;
}

Result<ObjectList> Registry::list(const api::Kind& kind, const Selection& selection) {
  HOP_TRY(const Snapshot found, snapshot(kind, selection));
  ObjectList list{.items = {}, .revision = found.revision};
  list.items.reserve(found.objects.size());
  for (const SharedJson& object : found.objects) list.items.push_back(*object);
  return list;
}

Result<std::unique_ptr<Watch>> Registry::watch(const api::Kind& kind, const Selection& selection,
                                               int64_t revision) {
  HOP_TRY(ObjectFilter filter, ObjectFilter::parse(selection));
  Snapshot initial{.objects = {}, .revision = revision};
  if (revision == 0) {
    HOP_TRY(initial, snapshot(kind, selection));
  } else if (revision < store_.compacted()) {
    return Error(ErrorCode::too_old,
                 str("too old resource version: ", revision, " (", store_.compacted(), ")"));
  } else if (const int64_t newest = store_.revision(); revision > newest) {
    return Error(ErrorCode::too_old,
                 str("too large resource version: ", revision, ", current: ", newest));
  }
  const int64_t after = initial.revision;
  auto changes = store_.subscribe(store_prefix(kind, selection.namespace_name), after);
  return std::make_unique<RegistryWatch>(kind, std::move(filter), std::move(initial),
                                         std::move(changes), after, options_.bookmark_interval);
}

std::unique_lock<std::mutex> Registry::lock_for(const api::Kind& kind) {
  return kind.kind == "Service" ? std::unique_lock(services_mutex_)
                                : std::unique_lock<std::mutex>();
}

Result<SharedJson> Registry::commit(const api::Kind& kind, const Json* before, Json object,
                                    bool remove) {
  const std::string name = api::name_of(object);
  const std::string key = store_key(kind, api::namespace_of(object), name);
  auto written = store_.write({.key = key,
                               .object = std::move(object),
                               .expected = before != nullptr ? api::revision_of(*before) : 0,
                               .remove = remove});
  if (!written) {
    switch (written.error().code()) {
      case ErrorCode::already_exists:
        return object_exists(kind, name);
      case ErrorCode::not_found:
        return object_not_found(kind, name);
      case ErrorCode::conflict:
        return object_modified(kind, name);
      default:
        return written;
    }
  }
  if (kind.kind == "Service") service_index_.replace(before, remove ? nullptr : written->get());
  return written;
}

}  // namespace hoplab
