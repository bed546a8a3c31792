#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/reconcile/ipam_client.h"

// How a node gets blocks, borrows from others and gives addresses back.

namespace hoplab::reconcile {

using plan::AddressPool;
using plan::AffinityState;
using plan::BlockAffinity;

namespace {

constexpr int most_tries = 30;

const api::Kind& block_kind() {
  return api::kind_of("IPAMBlock");
}
const api::Kind& affinity_kind() {
  return api::kind_of("BlockAffinity");
}
const api::Kind& handle_kind() {
  return api::kind_of("IPAMHandle");
}

/// Success also when the object is gone already.
Result<void> remove_if_there(Source& source, const api::Kind& kind, const std::string& name) {
  auto removed = source.remove(kind, "", name);
  if (removed || removed.error().code() == ErrorCode::not_found) return {};
  return std::move(removed).error();
}

Result<std::vector<Prefix>> existing_blocks(Source& source) {
  std::vector<Prefix> out;
  HOP_TRY(const ObjectList blocks, source.list(block_kind(), {}));
  for (const Json& item : blocks.items) {
    const Json& spec = member(item, "spec");
    auto cidr = Prefix::parse(string_or(spec, "cidr"));
    if (cidr && !bool_or(spec, "deleted")) out.push_back(cidr->masked());
  }
  // A pending affinity is somebody's claim, though its block is not there yet.
  HOP_TRY(const ObjectList affinities, source.list(affinity_kind(), {}));
  for (const Json& item : affinities.items) {
    auto affinity = plan::affinity_from_json(item);
    if (affinity) out.push_back(affinity->cidr);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

struct Pins {
  std::optional<Prefix> own;
  std::vector<Prefix> others;
};

Result<Pins> read_pins(Source& source, const std::string& node) {
  Pins pins;
  HOP_TRY(const ObjectList nodes, source.list(api::kind_of("Node"), {}));
  for (const Json& item : nodes.items) {
    const auto block = plan::first_block_of(item);
    if (!block) continue;
    if (api::name_of(item) == node) {
      pins.own = block;
    } else {
      pins.others.push_back(*block);
    }
  }
  return pins;
}

}  // namespace

Result<Json> store_or_delete_block(Source& source, plan::AddressBlock block, const Json& metadata) {
  const std::string name = plan::block_object_name(block.cidr);
  block.deleted = plan::is_abandoned(block);
  HOP_TRY(Json stored, source.update(block_kind(), "", name, plan::to_json(block, metadata)));
  if (!block.deleted) return stored;
  HOP_CHECK(remove_if_there(source, block_kind(), name));
  return Json();
}

Result<std::vector<AddressPool>> IpamClient::pools() {
  std::vector<AddressPool> out;
  HOP_TRY(const ObjectList list, source_.list(api::kind_of("IPPool"), {}));
  for (const Json& item : list.items) {
    auto pool = plan::pool_from_json(item);
    if (!pool) {
      log_.error("use an IP pool", pool.error());
    } else if (!pool->disabled) {
      out.push_back(*pool);
    }
  }
  return out;
}

Result<std::optional<Prefix>> IpamClient::claim_new_block(const std::vector<AddressPool>& enabled) {
  if (!settings_.auto_allocate_blocks) return std::optional<Prefix>();
  HOP_TRY(const Pins pins, read_pins(source_, node_));
  for (int tries = 0; tries < most_tries; ++tries) {
    HOP_TRY(const std::vector<Prefix> taken, existing_blocks(source_));
    const auto cidr = plan::choose_block(enabled, node_, pins.own, taken, pins.others);
    if (!cidr) return cidr;
    HOP_TRY(const bool ours, claim(*cidr));
    if (ours) return cidr;
  }
  return Error(ErrorCode::conflict, "other nodes took every block that this one tried to claim");
}

/// Pending affinity, block, confirmed affinity. False when another node was faster.
Result<bool> IpamClient::claim(const Prefix& cidr) {
  const std::string name = plan::affinity_object_name(node_, cidr);
  BlockAffinity affinity{node_, cidr, AffinityState::pending};
  auto stored = source_.create(affinity_kind(), "", plan::to_json(affinity));
  if (!stored && stored.error().code() == ErrorCode::already_exists) {
    stored = source_.get(affinity_kind(), "", name);
  }
  if (!stored) return std::move(stored).error();
  HOP_TRY(const bool ours, create_own_block(cidr));
  if (!ours) {
    HOP_CHECK(remove_if_there(source_, affinity_kind(), name));
    return false;
  }
  HOP_TRY(affinity, plan::affinity_from_json(*stored));
  if (affinity.state != AffinityState::confirmed) {
    affinity.state = AffinityState::confirmed;
    HOP_CHECK(source_.update(affinity_kind(), "", name,
                             plan::to_json(affinity, member(*stored, "metadata"))));
  }
  if (std::find(own_.begin(), own_.end(), cidr) == own_.end()) own_.push_back(cidr);
  return true;
}

/// Creates the block, or reads it when it is ours already, into the cache.
Result<bool> IpamClient::create_own_block(const Prefix& cidr) {
  plan::AddressBlock block = plan::make_block(cidr, node_);
  auto created = source_.create(block_kind(), "", plan::to_json(block));
  if (!created && created.error().code() == ErrorCode::already_exists) {
    const auto present = read_block(cidr);
    if (present && present->block.deleted) {
      // Whoever was about to delete it was killed.
      HOP_CHECK(remove_if_there(source_, block_kind(), plan::block_object_name(cidr)));
      created = source_.create(block_kind(), "", plan::to_json(block));
    }
  }
  if (created) {
    blocks_[cidr] = {std::move(block), member(*created, "metadata")};
    return true;
  }
  if (created.error().code() != ErrorCode::already_exists) return std::move(created).error();
  HOP_TRY(StoredBlock stored, read_block(cidr));
  if (stored.block.node != node_) return false;
  blocks_[cidr] = std::move(stored);
  return true;
}

Result<IpamClient::Shortage> IpamClient::borrow(const std::vector<AddressPool>& enabled,
                                                const std::vector<plan::AddressRequest>& requests,
                                                Assigned& done) {
  std::vector<plan::AddressRequest> open = requests;
  HOP_TRY(const Pins pins, read_pins(source_, node_));
  for (const AddressPool& pool : enabled) {
    for (const Prefix& cidr : plan::block_order(pool, node_, pins.own)) {
      if (open.empty()) return Shortage();
      if (std::find(own_.begin(), own_.end(), cidr) != own_.end()) continue;
      auto stored = read_block(cidr);
      if (!stored || stored->block.strict_affinity || settings_.strict_affinity) continue;
      blocks_[cidr] = std::move(*stored);
      find_existing(open, done);  // borrowed by an earlier try; the block may be full by now
      std::erase_if(open, [&](const auto& one) { return done.contains(one.handle); });
      HOP_CHECK(fill_from(cidr, open, done));
      std::erase_if(open, [&](const auto& one) { return done.contains(one.handle); });
    }
  }
  if (open.empty()) return Shortage();
  return Shortage(
      Error(ErrorCode::unavailable,
            str("no address is left for ", open.size(), " of ", requests.size(),
                " requests: every block of the pools is full; delete pods or add an IPPool")));
}

Result<void> IpamClient::release(const std::set<std::string>& handles) {
  const std::lock_guard lock(mutex_);
  if (!loaded_) HOP_CHECK(load_own_blocks());
  std::map<Prefix, std::set<std::string>> by_block;
  std::set<std::string> unknown = handles;
  for (const auto& [cidr, stored] : blocks_) {
    for (const plan::Assignment& one : plan::allocations_of(stored.block)) {
      if (!handles.contains(one.handle)) continue;
      by_block[cidr].insert(one.handle);
      unknown.erase(one.handle);
    }
  }
  for (const std::string& id : unknown) {
    auto object = source_.get(handle_kind(), "", plan::handle_object_name(id));
    if (!object && object.error().code() == ErrorCode::not_found) continue;
    if (!object) return std::move(object).error();
    HOP_TRY(const plan::AddressHandle handle, plan::handle_from_json(*object));
    for (const auto& [cidr, count] : handle.blocks) by_block[cidr].insert(id);
  }
  for (const auto& [cidr, ids] : by_block) HOP_CHECK(free_in_block(cidr, ids));
  // Only now: a crash before this point leaves handles that still lead to what is to be freed.
  for (const std::string& id : handles) {
    HOP_CHECK(remove_if_there(source_, handle_kind(), plan::handle_object_name(id)));
  }
  return {};
}

Result<void> IpamClient::release_all_but(const std::set<std::string>& keep) {
  std::set<std::string> unused;
  HOP_TRY(const ObjectList blocks, source_.list(block_kind(), {}));
  for (const Json& item : blocks.items) {
    const auto block = plan::block_from_json(item);
    if (!block) continue;  // A person edited it; whoever needs an address of it says so.
    for (const plan::AllocationAttribute& one : block->attributes) {
      const auto node = one.notes.find("node");
      const bool own = node != one.notes.end() && node->second == node_;
      if (own && one.notes.contains("pod") && !keep.contains(one.handle)) unused.insert(one.handle);
    }
  }
  return unused.empty() ? Result<void>() : release(unused);
}

Result<void> IpamClient::free_in_block(const Prefix& cidr, const std::set<std::string>& handles) {
  auto cached = blocks_.find(cidr);
  bool fresh = cached == blocks_.end();
  for (int tries = 0; tries < most_tries; ++tries) {
    if (fresh) {
      auto stored = read_block(cidr);
      if (!stored && stored.error().code() == ErrorCode::not_found) return {};
      if (!stored) return std::move(stored).error();
      blocks_[cidr] = std::move(*stored);
    }
    StoredBlock next = blocks_.at(cidr);
    if (plan::release(next.block, handles).empty()) return {};
    auto updated = store_or_delete_block(source_, next.block, next.metadata);
    if (updated) {
      if (updated->is_null()) {
        blocks_.erase(cidr);
        return {};
      }
      next.metadata = member(*updated, "metadata");
      blocks_[cidr] = std::move(next);
      return {};
    }
    const ErrorCode code = updated.error().code();
    if (code != ErrorCode::conflict && code != ErrorCode::not_found) {
      return std::move(updated).error();
    }
    fresh = true;
  }
  return Error(ErrorCode::conflict, str("block ", to_string(cidr), " was changed by others ",
                                        most_tries, " times in a row; try again"));
}

Result<void> release_node(Source& source, const std::string& node) {
  const SystemClock clock;
  IpamClient client(source, clock, node, Log("ipam"));
  HOP_TRY(const ObjectList affinities, source.list(affinity_kind(), {}));
  std::vector<BlockAffinity> own;
  for (const Json& item : affinities.items) {
    auto affinity = plan::affinity_from_json(item);
    if (affinity && affinity->node == node) own.push_back(*affinity);
  }
  if (own.empty()) return {};
  HOP_CHECK(client.release({plan::tunnel_handle(node)}));
  for (const BlockAffinity& affinity : own) {
    const std::string block_name = plan::block_object_name(affinity.cidr);
    auto object = source.get(block_kind(), "", block_name);
    if (object) {
      HOP_TRY(plan::AddressBlock block, plan::block_from_json(*object));
      block.node.clear();
      HOP_CHECK(store_or_delete_block(source, block, member(*object, "metadata")));
    } else if (object.error().code() != ErrorCode::not_found) {
      return std::move(object).error();
    }
    HOP_CHECK(
        remove_if_there(source, affinity_kind(), plan::affinity_object_name(node, affinity.cidr)));
  }
  return {};
}

}  // namespace hoplab::reconcile
