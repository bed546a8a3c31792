#include "runtime/base/text.h"
#include "store/admission.h"
#include "store/api/patch.h"
#include "store/api/schema.h"
#include "store/deletion.h"
#include "store/errors.h"
#include "store/object_shape.h"
#include "store/registry.h"

namespace hoplab {
namespace {

/// Only so that a bug cannot make a request spin for ever: each lost race means that another
/// writer got on.
constexpr int most_races = 1000;

Result<void> check_preconditions(const api::Kind& kind, const Json& current, const Json& wanted) {
  const std::string name = api::name_of(current);
  const std::string uid = api::uid_of(wanted);
  if (!uid.empty() && uid != api::uid_of(current)) {
    return object_conflict(kind, name,
                           str("Precondition failed: UID in precondition: ", uid,
                               ", UID in object meta: ", api::uid_of(current)));
  }
  const Json& version = member(member(wanted, "metadata"), "resourceVersion");
  if (version.is_null() || version == "") return {};
  if (version != current["metadata"]["resourceVersion"]) return object_modified(kind, name);
  return {};
}

Result<Json> apply_patch(const api::Kind& kind, PatchType type, const Json& current,
                         const Json& patch) {
  switch (type) {
    case PatchType::strategic_merge:
      return api::strategic_merge(kind, current, patch);
    case PatchType::merge:
      return api::merge_patch(current, patch);
    case PatchType::json:
      return api::json_patch(current, patch);
  }
  return Error(ErrorCode::unsupported_media_type, "unknown type of patch");
}

void take_over(const Json& from, Json& to, const char* field) {
  if (from.contains(field)) {
    to[field] = from[field];
  } else {
    to.erase(field);
  }
}

}  // namespace

Result<Json> Registry::update(const api::Kind& kind, const std::string& namespace_name,
                              const std::string& name, Json object, Subresource subresource,
                              const WriteOptions& options) {
  return modify(kind, namespace_name, name, subresource, options,
                [&](const Json&) -> Result<Json> { return object; });
}

Result<Json> Registry::patch(const api::Kind& kind, const std::string& namespace_name,
                             const std::string& name, PatchType type, const Json& patch,
                             Subresource subresource, const WriteOptions& options) {
  return modify(kind, namespace_name, name, subresource, options,
                [&](const Json& current) { return apply_patch(kind, type, current, patch); });
}

Result<Json> Registry::modify(const api::Kind& kind, const std::string& namespace_name,
                              const std::string& name, Subresource subresource,
                              const WriteOptions& options, const Change& change) {
  const std::string key = store_key(kind, namespace_name, name);
  for (int race = 0; race < most_races; ++race) {
    const SharedJson current = store_.get(key);
    if (current == nullptr) return object_not_found(kind, name);
    HOP_TRY(Json wanted, change(*current));
    HOP_CHECK(check_name(kind, namespace_name, name, wanted));
    HOP_CHECK(check_preconditions(kind, *current, wanted));
    const auto held = lock_for(kind);
    HOP_TRY(wanted, prepare_update(kind, *current, std::move(wanted), subresource, options));
    if (wanted == *current || options.dry_run) return wanted;
    const bool remove = ready_to_go(kind, wanted);
    auto written = commit(kind, current.get(), std::move(wanted), remove);
    if (written.ok()) return **written;
    if (written.error().code() != ErrorCode::conflict) return std::move(written).error();
  }
  return object_modified(kind, name);
}

Result<Json> Registry::prepare_update(const api::Kind& kind, const Json& current, Json wanted,
                                      Subresource subresource, const WriteOptions& options) const {
  if (subresource == Subresource::status) {
    Json changed = current;
    take_over(wanted, changed, "status");
    wanted = std::move(changed);
  } else if (kind.has_status) {
    take_over(current, wanted, "status");
  }
  if (kind.kind == "Namespace") take_over(current, wanted, "spec");
  keep_system_metadata(current, wanted);
  api::prune_noise(wanted);
  drop_unknown(kind, wanted, options);
  if (kind.kind == "Service") ServiceIndex::carry_over(wanted, current);
  api::apply_defaults(kind, wanted);
  auto causes =
      api::validate(kind, wanted, &current, {.unknown_fields_are_errors = options.strict});
  if (!causes.empty()) return api::invalid_object(kind, api::name_of(current), std::move(causes));
  if (kind.kind == "Service") HOP_CHECK(service_index_.assign(wanted, &current));
  admit_update(kind, current, wanted);
  if (has_generation(kind) && spec_changed(current, wanted)) {
    wanted["metadata"]["generation"] = int_or(member(current, "metadata"), "generation") + 1;
  }
  return wanted;
}

}  // namespace hoplab
