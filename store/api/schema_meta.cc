#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

const std::string_view meta = R"(
type ObjectMeta
  name str
  generateName str
  namespace str
  selfLink str
  uid str
  resourceVersion str
  generation int64
  creationTimestamp time
  deletionTimestamp time
  deletionGracePeriodSeconds int64
  labels {}str
  annotations {}str
  ownerReferences []OwnerReference key:uid
  finalizers []str set
  clusterName str
  managedFields []ManagedFieldsEntry
type OwnerReference
  apiVersion str !
  kind str !
  name str !
  uid str !
  controller bool
  blockOwnerDeletion bool
type ManagedFieldsEntry
  manager str
  operation str
  apiVersion str
  time time
  fieldsType str
  fieldsV1 json
  subresource str
type LabelSelector
  matchLabels {}str
  matchExpressions []LabelSelectorRequirement
type LabelSelectorRequirement
  key str ! fmt:qname
  operator str !
  values []str
type ObjectReference
  kind str
  namespace str
  name str
  uid str
  apiVersion str
  resourceVersion str
  fieldPath str
type LocalObjectReference
  name str
type TypedLocalObjectReference
  apiGroup str
  kind str !
  name str !
type TypedObjectReference
  apiGroup str
  kind str !
  name str !
  namespace str
type Condition
  type str !
  status str !
  observedGeneration int64
  lastTransitionTime time
  reason str
  message str
)";

}  // namespace hoplab::api::schema_text
