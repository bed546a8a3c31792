#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "store/object_store.h"

/// Everyday questions about pods, nodes, owners and conditions. Pure.
namespace hoplab::reconcile {

struct Owner {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool blocks = false;  ///< blockOwnerDeletion
  bool operator==(const Owner&) const = default;
};

std::vector<Owner> owners_of(const Json& object);
/// The owner with controller: true.
std::optional<Owner> controller_of(const Json& object);
/// A metadata.ownerReferences entry that makes `owner` the controller.
Json controller_reference(const Json& owner);

bool is_deleting(const Json& object);
const Json& labels_of(const Json& object);
/// spec.selector.matchLabels/matchExpressions against labels; a broken selector matches nothing.
bool selects(const Json& selector, const Json& labels);

/// "True", "False", "Unknown", or "" when there is no such condition.
std::string condition_status(const Json& object, std::string_view type);
/// Adds or replaces the condition in a list; lastTransitionTime moves only with the status.
/// `extra` may carry further time fields. Returns whether anything but times changed.
bool set_condition(Json& conditions, std::string_view type, std::string_view status,
                   std::string_view reason, std::string_view message, const std::string& now);

bool pod_is_ready(const Json& pod);
/// Running or about to: neither Succeeded nor Failed nor being deleted.
bool pod_is_active(const Json& pod);
bool pod_is_finished(const Json& pod);
/// Ready for at least so long. `wait` (optional) is lowered to the time still missing.
bool pod_is_available(const Json& pod, int64_t min_ready_seconds, WallTime now,
                      std::optional<Millis>* wait);
std::string node_name_of(const Json& pod);
bool node_is_ready(const Json& node);

/// Kubernetes' short hash of a pod template, as in pod-template-hash: FNV-1a in the alphabet of
/// generated names. (The same template gives the same hash; the value differs from Kubernetes',
/// which hashes Go's memory layout.)
std::string template_hash(const Json& pod_template);
/// An absolute number or a percentage of `total`.
int64_t int_or_percent(const Json& value, int64_t total, bool round_up, int64_t fallback);

}  // namespace hoplab::reconcile
