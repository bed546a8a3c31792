#pragma once

#include <string>
#include <string_view>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/plan/ipam.h"

/// The IPAM values as crd.projectcalico.org/v1 objects and back, shaped as Calico's own CRDs
/// (facts/calico.md 2). Reading checks every bound: the store may hold what a person edited.
namespace hoplab::plan {

/// "172-16-158-0-24", the name of the IPAMBlock.
std::string block_object_name(const Prefix& cidr);
/// "k8s-w1-172-16-158-0-24", the name of the BlockAffinity.
std::string affinity_object_name(std::string_view node, const Prefix& cidr);
/// Names of objects are lower case and at most 253 bytes.
std::string handle_object_name(std::string_view handle);

/// A whole IPAMBlock; `metadata` of a stored one (with its resourceVersion) is kept when given.
Json to_json(const AddressBlock& block, const Json& metadata = nullptr);
/// Fails with `invalid`, naming the field.
Result<AddressBlock> block_from_json(const Json& object);

enum class AffinityState { pending, confirmed, pending_deletion };
struct BlockAffinity {
  std::string node;
  Prefix cidr;
  AffinityState state = AffinityState::confirmed;
  bool operator==(const BlockAffinity&) const = default;
};
Json to_json(const BlockAffinity& affinity, const Json& metadata = nullptr);
Result<BlockAffinity> affinity_from_json(const Json& object);

/// How many addresses of each block a handle has.
struct AddressHandle {
  std::string id;
  std::map<Prefix, int64_t> blocks;
  bool operator==(const AddressHandle&) const = default;
};
Json to_json(const AddressHandle& handle, const Json& metadata = nullptr);
Result<AddressHandle> handle_from_json(const Json& object);

/// Annotation of a Node: its first block, as the cluster file pins it ("172.16.158.0/24").
inline constexpr std::string_view first_block_annotation = "hoplab.io/first-pod-block";
/// The pinned block of a Node object, if any.
std::optional<Prefix> first_block_of(const Json& node);

/// The IPAM part of an IPPool; `invalid` names the field.
Result<AddressPool> pool_from_json(const Json& object);

}  // namespace hoplab::plan
