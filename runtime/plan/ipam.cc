#include "runtime/plan/ipam.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

/// FNV-1 with 32 bits, the hash Calico seeds its choice of a block with.
uint32_t fnv1(std::string_view text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) {
    hash *= 16777619U;
    hash ^= static_cast<unsigned char>(c);
  }
  return hash;
}

uint32_t attribute_index(AddressBlock& block, const AddressRequest& request) {
  const AllocationAttribute wanted{request.handle, request.notes};
  auto found = std::find(block.attributes.begin(), block.attributes.end(), wanted);
  if (found == block.attributes.end()) found = block.attributes.insert(found, wanted);
  return static_cast<uint32_t>(found - block.attributes.begin());
}

/// Removes attributes nobody refers to; the indices of the others move down.
void drop_unused_attributes(AddressBlock& block) {
  std::vector<bool> used(block.attributes.size(), false);
  for (const auto& index : block.allocations) {
    if (index) used[*index] = true;
  }
  std::vector<uint32_t> moved(block.attributes.size(), 0);
  std::vector<AllocationAttribute> kept;
  for (size_t i = 0; i < used.size(); ++i) {
    moved[i] = static_cast<uint32_t>(kept.size());
    if (used[i]) kept.push_back(std::move(block.attributes[i]));
  }
  block.attributes = std::move(kept);
  for (auto& index : block.allocations) {
    if (index) index = moved[*index];
  }
}

bool is_taken(std::span<const Prefix> taken, const Prefix& block) {
  // Sorted by network: only the last one starting at or before the block's end can overlap with
  // anything of it that is not itself inside the block.
  auto after =
      std::upper_bound(taken.begin(), taken.end(), block.broadcast(),
                       [](Ipv4 end, const Prefix& other) { return end < other.network(); });
  return after != taken.begin() && std::prev(after)->overlaps(block);
}

/// The first block in the node's order that is neither taken nor kept for somebody else.
std::optional<Prefix> first_free(const AddressPool& pool, std::string_view node,
                                 std::optional<Prefix> first, std::span<const Prefix> taken,
                                 std::span<const Prefix> kept) {
  for (const Prefix& block : block_order(pool, node, first)) {
    if (is_taken(taken, block)) continue;
    const bool mine = first && first->masked() == block;
    if (!mine && std::find(kept.begin(), kept.end(), block) != kept.end()) continue;
    return block;
  }
  return std::nullopt;
}

}  // namespace

bool is_abandoned(const AddressBlock& block) {
  return block.node.empty() && allocations_of(block).empty();
}

AddressBlock make_block(const Prefix& cidr, std::string_view node) {
  AddressBlock block;
  block.cidr = cidr.masked();
  block.node = node;
  const auto size = static_cast<size_t>(block.cidr.size());
  block.allocations.resize(size);
  block.unallocated.resize(size);
  for (size_t i = 0; i < size; ++i) block.unallocated[i] = static_cast<uint32_t>(i);
  return block;
}

std::vector<Assignment> assign(AddressBlock& block, std::span<const AddressRequest> requests,
                               std::span<const Prefix> reserved) {
  std::vector<Assignment> out;
  if (block.deleted) return out;
  std::vector<uint32_t> left;
  size_t next = 0;
  for (; next < block.unallocated.size() && out.size() < requests.size(); ++next) {
    const uint32_t ordinal = block.unallocated[next];
    const Ipv4 ip = block.cidr.network() + ordinal;
    const bool skip = std::any_of(reserved.begin(), reserved.end(),
                                  [ip](const Prefix& prefix) { return prefix.contains(ip); });
    if (skip) {
      left.push_back(ordinal);
      continue;
    }
    const AddressRequest& request = requests[out.size()];
    block.allocations[ordinal] = attribute_index(block, request);
    out.push_back({request.handle, ip, block.cidr});
  }
  left.insert(left.end(), block.unallocated.begin() + static_cast<ptrdiff_t>(next),
              block.unallocated.end());
  block.unallocated = std::move(left);
  return out;
}

std::vector<Assignment> release(AddressBlock& block, const std::set<std::string>& handles) {
  std::vector<Assignment> out;
  for (uint32_t ordinal = 0; ordinal < block.allocations.size(); ++ordinal) {
    auto& index = block.allocations[ordinal];
    if (!index || !handles.contains(block.attributes[*index].handle)) continue;
    out.push_back({block.attributes[*index].handle, block.cidr.network() + ordinal, block.cidr});
    index.reset();
    block.unallocated.push_back(ordinal);
  }
  if (!out.empty()) drop_unused_attributes(block);
  return out;
}

std::vector<Ipv4> addresses_of(const AddressBlock& block, std::string_view handle) {
  std::vector<Ipv4> out;
  for (const Assignment& one : allocations_of(block)) {
    if (one.handle == handle) out.push_back(one.ip);
  }
  return out;
}

std::vector<Assignment> allocations_of(const AddressBlock& block) {
  std::vector<Assignment> out;
  for (uint32_t ordinal = 0; ordinal < block.allocations.size(); ++ordinal) {
    const auto& index = block.allocations[ordinal];
    if (!index) continue;
    out.push_back({block.attributes[*index].handle, block.cidr.network() + ordinal, block.cidr});
  }
  return out;
}

const AllocationAttribute* attribute_of(const AddressBlock& block, Ipv4 ip) {
  if (!block.cidr.contains(ip)) return nullptr;
  const auto& index = block.allocations[ip.value() - block.cidr.network().value()];
  return index ? &block.attributes[*index] : nullptr;
}

std::vector<Prefix> block_order(const AddressPool& pool, std::string_view node,
                                std::optional<Prefix> first, size_t limit) {
  std::vector<Prefix> out;
  if (pool.block_size < pool.cidr.length() || pool.block_size > 32) return out;
  const uint64_t count = uint64_t{1} << (pool.block_size - pool.cidr.length());
  const uint64_t size = uint64_t{1} << (32U - pool.block_size);
  const uint32_t base = pool.cidr.network().value();
  uint64_t start = fnv1(node) % count;
  if (first && first->length() == pool.block_size && pool.cidr.contains(*first)) {
    start = (first->network().value() - base) / size;
  }
  for (uint64_t i = 0; i < count && out.size() < limit; ++i) {
    const uint64_t index = (start + i) % count;
    out.emplace_back(Ipv4(static_cast<uint32_t>(base + index * size)), pool.block_size);
  }
  return out;
}

std::optional<Prefix> choose_block(std::span<const AddressPool> pools, std::string_view node,
                                   std::optional<Prefix> first, std::span<const Prefix> taken,
                                   std::span<const Prefix> pinned) {
  for (const std::span<const Prefix> kept : {pinned, std::span<const Prefix>{}}) {
    for (const AddressPool& pool : pools) {
      if (pool.disabled) continue;
      if (auto block = first_free(pool, node, first, taken, kept)) return block;
    }
  }
  return std::nullopt;
}

std::string pod_handle(std::string_view sandbox_id) {
  return str("k8s-pod-network.", sandbox_id);
}

std::string tunnel_handle(std::string_view node) {
  return str("ipip-tunnel-addr-", node);
}

}  // namespace hoplab::plan
