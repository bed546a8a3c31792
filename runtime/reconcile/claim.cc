#include "runtime/reconcile/claim.h"

#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {

Json with_controller(Json object, const Json& owner, bool controlled) {
  Json& owners = object["metadata"]["ownerReferences"];
  if (!owners.is_array()) owners = Json::array();
  const std::string uid = api::uid_of(owner);
  std::erase_if(owners.get_ref<Json::array_t&>(),
                [&](const Json& row) { return string_or(row, "uid") == uid; });
  if (controlled) owners.push_back(controller_reference(owner));
  if (owners.empty()) object["metadata"].erase("ownerReferences");
  return object;
}

}  // namespace hoplab::reconcile
