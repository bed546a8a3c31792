#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/base/result.h"

/// Address management with blocks, as Calico 3.21 does it (facts/calico.md 2). Values and pure
/// functions; `runtime/reconcile/ipam_client.h` runs them against the store.
namespace hoplab::plan {

/// What a pool is to IPAM (the rest of an IPPool is for routes and NAT).
struct AddressPool {
  std::string name;
  Prefix cidr;
  uint8_t block_size = 26;  ///< Prefix length of its blocks, 20 to 32.
  bool disabled = false;
  bool operator==(const AddressPool&) const = default;
};

/// Who holds an address: one per handle and set of notes, shared by the addresses of that handle.
struct AllocationAttribute {
  std::string handle;
  std::map<std::string, std::string> notes;  ///< pod, namespace, node, timestamp; tunnels: type.
  bool operator==(const AllocationAttribute&) const = default;
};

/// A block of addresses with an owner node. Ordinal n is the address `cidr.network() + n`.
struct AddressBlock {
  Prefix cidr;
  std::string node;  ///< The node it is affine to; empty when that node was removed.
  bool strict_affinity = false;
  bool deleted = false;
  std::vector<std::optional<uint32_t>> allocations;  ///< Per ordinal: index into `attributes`.
  /// Free ordinals, first in first out: a released one goes to the tail, so that an address is
  /// reused as late as possible.
  std::vector<uint32_t> unallocated;
  std::vector<AllocationAttribute> attributes;
  bool operator==(const AddressBlock&) const = default;
};

/// What is asked for. Two requests with one handle get two addresses.
struct AddressRequest {
  std::string handle;
  std::map<std::string, std::string> notes;
};

struct Assignment {
  std::string handle;
  Ipv4 ip;
  Prefix block;
  bool operator==(const Assignment&) const = default;
};

/// IPAMConfig. 0 blocks means Calico's default of 20.
struct IpamSettings {
  bool strict_affinity = false;
  bool auto_allocate_blocks = true;
  uint32_t max_blocks_per_node = 0;
  [[nodiscard]] uint32_t block_limit() const {
    return max_blocks_per_node == 0 ? 20 : max_blocks_per_node;
  }
};

/// Without an owner and without addresses: such a block is deleted.
bool is_abandoned(const AddressBlock& block);
/// An empty block; every address of it can be used, .0 and .255 too.
AddressBlock make_block(const Prefix& cidr, std::string_view node);

/// Assigns addresses in request order until the block is full; returns one per request that was
/// served (a prefix of `requests`). Addresses inside `reserved` are passed over. None of a block
/// that is about to be deleted.
std::vector<Assignment> assign(AddressBlock& block, std::span<const AddressRequest> requests,
                               std::span<const Prefix> reserved = {});
/// Frees all addresses of the handles; returns what was freed. Unknown handles are no error.
std::vector<Assignment> release(AddressBlock& block, const std::set<std::string>& handles);
/// The addresses of one handle, in address order.
std::vector<Ipv4> addresses_of(const AddressBlock& block, std::string_view handle);
/// Everything that is allocated, in address order.
std::vector<Assignment> allocations_of(const AddressBlock& block);
/// The attribute of an allocated address, or null.
const AllocationAttribute* attribute_of(const AddressBlock& block, Ipv4 ip);

/// The blocks of a pool in the order in which `node` tries them: `first` if it lies in the pool
/// (the cluster file may pin each node's first block), else a block chosen by FNV-1 of the node's
/// name; then the following ones, wrapping around. At most `limit` of them.
std::vector<Prefix> block_order(const AddressPool& pool, std::string_view node,
                                std::optional<Prefix> first, size_t limit = SIZE_MAX);
/// The block that `node` should claim next: the first in order that no existing block overlaps.
/// `taken` must be sorted by network. `pinned` are the first blocks of other nodes: they are only
/// taken when nothing else is free.
std::optional<Prefix> choose_block(std::span<const AddressPool> pools, std::string_view node,
                                   std::optional<Prefix> first, std::span<const Prefix> taken,
                                   std::span<const Prefix> pinned = {});

/// The handle of a pod's address: "k8s-pod-network.<sandbox id>".
std::string pod_handle(std::string_view sandbox_id);
/// "ipip-tunnel-addr-<node>".
std::string tunnel_handle(std::string_view node);

}  // namespace hoplab::plan
