#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

const std::string_view calico = R"(
kind IPPool
  spec IPPoolSpec !
type IPPoolSpec
  cidr str ! fmt:cidr
  vxlanMode str =Always|CrossSubnet|Never def:Never
  ipipMode str =Always|CrossSubnet|Never def:Never
  natOutgoing bool
  disabled bool
  disableBGPExport bool
  blockSize int32 def:26
  nodeSelector str def:all()
  allowedUses []str
  ipip json
  nat-outgoing bool
kind IPAMBlock
  spec IPAMBlockSpec !
type IPAMBlockSpec
  cidr str ! fmt:cidr
  affinity str
  strictAffinity bool
  allocations json
  unallocated json
  attributes []AllocationAttribute
  deleted bool
type AllocationAttribute
  handle_id str
  secondary {}str
kind BlockAffinity
  spec BlockAffinitySpec !
type BlockAffinitySpec
  state str ! =confirmed|pending|pendingDeletion
  node str ! fmt:subdomain
  cidr str ! fmt:cidr
  deleted str
kind IPAMHandle
  spec IPAMHandleSpec !
type IPAMHandleSpec
  handleID str !
  block {}int64
  deleted bool
)";

}  // namespace hoplab::api::schema_text
