#include "runtime/reconcile/address_collector.h"

#include <algorithm>

#include "runtime/plan/ipam_objects.h"
#include "runtime/reconcile/ipam_client.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr std::string_view node_prefix = "node/";
constexpr std::string_view handle_prefix = "handle/";
constexpr const char* addresses_key = "addresses";

const api::Kind& block_kind() {
  return api::kind_of("IPAMBlock");
}
const api::Kind& handle_kind() {
  return api::kind_of("IPAMHandle");
}

}  // namespace

std::set<std::string> stale_handles(
    const plan::AddressBlock& block,
    const std::function<bool(const std::string&, const std::string&)>& pod_exists) {
  std::set<std::string> stale;
  for (const plan::AllocationAttribute& attribute : block.attributes) {
    const auto pod = attribute.notes.find("pod");
    const auto space = attribute.notes.find("namespace");
    if (pod == attribute.notes.end() || space == attribute.notes.end()) continue;
    if (!pod_exists(space->second, pod->second)) stale.insert(attribute.handle);
  }
  return stale;
}

void AddressCollector::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Pod" && change.now == nullptr) keys.emplace_back(addresses_key);
  if (change.kind == "Node" && change.now == nullptr) {
    keys.push_back(std::string(node_prefix) + api::name_of(*change.before));
  }
  // Also what was left over before the server started.
  if (change.kind == "BlockAffinity" && change.now != nullptr) {
    const std::string node = string_or(member(*change.now, "spec"), "node");
    if (registry_.find(api::kind_of("Node"), "", node) == nullptr) {
      keys.push_back(std::string(node_prefix) + node);
    }
  }
  // A new handle has its address a moment later, unless the agent dies in between.
  if (change.kind == "IPAMHandle" && change.before == nullptr) {
    keys.push_back(std::string(handle_prefix) + api::name_of(*change.now));
  }
  if (change.kind == "IPAMBlock" && change.before == nullptr) keys.emplace_back(addresses_key);
}

Millis AddressCollector::left_of_grace(const std::string& key) {
  const SteadyTime now = clock_.steady();
  const SteadyTime since = suspected_.lock()->try_emplace(key, now).first->second;
  return std::chrono::ceil<Millis>(since + grace_ - now);
}

Result<std::optional<Millis>> AddressCollector::reconcile(const std::string& key) {
  if (key.starts_with(node_prefix)) return collect_node(key.substr(node_prefix.size()));
  if (key.starts_with(handle_prefix)) return collect_handle(key);
  return collect_addresses();
}

Result<std::optional<Millis>> AddressCollector::collect_handle(const std::string& key) {
  const SharedJson handle = registry_.find(handle_kind(), "", key.substr(handle_prefix.size()));
  if (handle != nullptr) {
    const Millis left = left_of_grace(key);
    if (left > Millis(0)) return std::optional(left);
    if (!leads_somewhere(*handle)) HOP_CHECK(remove_handle(*handle));
  }
  suspected_.lock()->erase(key);
  return settled();
}

bool AddressCollector::leads_somewhere(const Json& handle) const {
  const auto known = plan::handle_from_json(handle);
  if (!known.ok()) return true;  // A person edited it; it is theirs to repair.
  for (const auto& [cidr, count] : known->blocks) {
    const SharedJson object = registry_.find(block_kind(), "", plan::block_object_name(cidr));
    if (object == nullptr) continue;
    const auto block = plan::block_from_json(*object);
    if (!block.ok()) return true;
    for (const plan::Assignment& one : plan::allocations_of(*block)) {
      if (one.handle == known->id) return true;
    }
  }
  return false;
}

Result<void> AddressCollector::remove_handle(const Json& handle) {
  auto gone = registry_.remove(handle_kind(), "", api::name_of(handle),
                               {.grace_seconds = {}, .precondition_uid = api::uid_of(handle)});
  if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
  return {};
}

Result<std::optional<Millis>> AddressCollector::collect_node(const std::string& node) {
  const std::string key = std::string(node_prefix) + node;
  const bool exists = registry_.find(api::kind_of("Node"), "", node) != nullptr;
  if (!exists) {
    const Millis left = left_of_grace(key);
    if (left > Millis(0)) return std::optional(left);
    HOP_CHECK(release_node(registry_, node));
  }
  suspected_.lock()->erase(key);
  return settled();
}

Result<std::optional<Millis>> AddressCollector::collect_addresses() {
  std::optional<Millis> next;
  std::set<std::string> still;
  std::set<std::string> used;
  bool all_readable = true;
  for (const SharedJson& object : registry_.all(block_kind())) {
    const auto block = plan::block_from_json(*object);
    if (!block.ok()) {  // A person edited it; the agents say so where it matters.
      all_readable = false;
      continue;
    }
    for (const plan::Assignment& one : plan::allocations_of(*block)) used.insert(one.handle);
    std::set<std::string> due;
    const auto stale = stale_handles(*block, [&](const std::string& space, const std::string& pod) {
      return registry_.find(api::kind_of("Pod"), space, pod) != nullptr;
    });
    for (const std::string& handle : stale) {
      still.insert(handle);
      const Millis left = left_of_grace(handle);
      if (left <= Millis(0)) {
        due.insert(handle);
      } else {
        next = std::min(next.value_or(left), left);
      }
    }
    if (!due.empty()) HOP_CHECK(free(*object, due));
  }
  if (all_readable) HOP_CHECK(collect_unused_handles(used, still, next));
  std::erase_if(*suspected_.lock(), [&](const auto& item) {
    return !item.first.starts_with(node_prefix) && !item.first.starts_with(handle_prefix) &&
           !still.contains(item.first);
  });
  return next;
}

/// An agent that died after it had given an address back left the handle.
Result<void> AddressCollector::collect_unused_handles(const std::set<std::string>& used,
                                                      std::set<std::string>& suspects,
                                                      std::optional<Millis>& next) {
  for (const SharedJson& handle : registry_.all(handle_kind())) {
    const std::string id = string_or(member(*handle, "spec"), "handleID");
    if (used.contains(id)) continue;
    suspects.insert(id);
    const Millis left = left_of_grace(id);
    if (left <= Millis(0)) {
      HOP_CHECK(remove_handle(*handle));
    } else {
      next = std::min(next.value_or(left), left);
    }
  }
  return {};
}

Result<void> AddressCollector::free(const Json& object, const std::set<std::string>& handles) {
  HOP_TRY(plan::AddressBlock block, plan::block_from_json(object));
  plan::release(block, handles);
  HOP_CHECK(store_or_delete_block(registry_, std::move(block), member(object, "metadata")));
  for (const std::string& handle : handles) {
    auto gone = registry_.remove(handle_kind(), "", plan::handle_object_name(handle));
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
  }
  return {};
}

}  // namespace hoplab::reconcile
