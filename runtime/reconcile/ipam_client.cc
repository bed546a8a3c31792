#include "runtime/reconcile/ipam_client.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::reconcile {

using plan::AddressRequest;
using plan::Assignment;

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

Error gave_up(const Prefix& cidr) {
  return Error(ErrorCode::conflict, str("block ", to_string(cidr), " was changed by others ",
                                        most_tries, " times in a row; try again"));
}

/// Requests whose handle has no address yet.
std::vector<AddressRequest> missing(const std::vector<AddressRequest>& requests,
                                    const std::map<std::string, Assignment>& done) {
  std::vector<AddressRequest> out;
  for (const AddressRequest& request : requests) {
    if (!done.contains(request.handle)) out.push_back(request);
  }
  return out;
}

}  // namespace

IpamClient::IpamClient(Source& source, const Clock& clock, std::string node, Log log,
                       plan::IpamSettings settings)
    : source_(source),
      clock_(clock),
      node_(std::move(node)),
      log_(std::move(log)),
      settings_(settings) {}

Result<Ipv4> IpamClient::tunnel_address() {
  HOP_TRY(const auto assigned,
          assign({{plan::tunnel_handle(node_), {{"type", "ipipTunnelAddress"}}}}));
  return assigned[0].ip;
}

Result<std::vector<Assignment>> IpamClient::assign(std::vector<AddressRequest> requests) {
  const std::lock_guard lock(mutex_);
  for (AddressRequest& request : requests) {
    request.notes["node"] = node_;
    request.notes["timestamp"] = to_rfc3339(clock_.wall());
  }
  if (!loaded_) HOP_CHECK(load_own_blocks());
  Assigned done;
  find_existing(requests, done);
  HOP_TRY(Shortage shortage, fill_requests(requests, done));
  if (shortage && done.empty()) return *std::move(shortage);
  std::vector<Assignment> out;
  for (const AddressRequest& request : requests) {
    if (auto one = done.find(request.handle); one != done.end()) out.push_back(one->second);
  }
  return out;
}

/// Own blocks first, then new ones, then other nodes'.
Result<IpamClient::Shortage> IpamClient::fill_requests(const std::vector<AddressRequest>& requests,
                                                       Assigned& done) {
  if (missing(requests, done).empty()) return Shortage();
  HOP_TRY(const std::vector<plan::AddressPool> enabled, pools());
  if (enabled.empty()) {
    return Shortage(Error(ErrorCode::unavailable,
                          "no address can be assigned: there is no enabled IPPool; apply one"));
  }
  const std::vector<Prefix> present = own_;
  for (const Prefix& cidr : present) {
    const bool usable = std::any_of(enabled.begin(), enabled.end(),
                                    [&](const auto& pool) { return pool.cidr.contains(cidr); });
    if (usable) HOP_CHECK(fill_from(cidr, missing(requests, done), done));
  }
  while (!missing(requests, done).empty()) {
    if (settings_.auto_allocate_blocks && own_.size() >= settings_.block_limit()) {
      return Shortage(Error(ErrorCode::unavailable,
                            str("Need to allocate an IPAM block but could not - limit of ",
                                settings_.block_limit(), " blocks reached for this node")));
    }
    HOP_TRY(const std::optional<Prefix> claimed, claim_new_block(enabled));
    if (!claimed) return borrow(enabled, missing(requests, done), done);
    HOP_CHECK(fill_from(*claimed, missing(requests, done), done));
  }
  return Shortage();
}

Result<void> IpamClient::load_own_blocks() {
  HOP_TRY(const ObjectList list, source_.list(affinity_kind(), {}));
  blocks_.clear();
  own_.clear();
  for (const Json& item : list.items) {
    auto affinity = plan::affinity_from_json(item);
    if (!affinity) {
      log_.error("read a block affinity", affinity.error());
      continue;
    }
    if (affinity->node != node_) continue;
    if (affinity->state == plan::AffinityState::confirmed) {
      auto block = source_.get(block_kind(), "", plan::block_object_name(affinity->cidr));
      if (!block && block.error().code() == ErrorCode::not_found) {
        // Whoever deleted the block deleted the memory of who has which address: never again.
        log_.warning(str("block ", to_string(affinity->cidr), " of ", node_,
                         " was deleted; it stays unused, since pods may have its addresses"));
        continue;
      }
    }
    HOP_CHECK(claim(affinity->cidr));  // completes one that a crash interrupted
  }
  loaded_ = true;
  return {};
}

Result<IpamClient::StoredBlock> IpamClient::read_block(const Prefix& cidr) {
  HOP_TRY(const Json object, source_.get(block_kind(), "", plan::block_object_name(cidr)));
  HOP_TRY(plan::AddressBlock block, plan::block_from_json(object));
  return StoredBlock{std::move(block), member(object, "metadata")};
}

void IpamClient::find_existing(const std::vector<AddressRequest>& requests, Assigned& done) {
  std::set<std::string> wanted;
  for (const AddressRequest& request : requests) wanted.insert(request.handle);
  for (const auto& [cidr, stored] : blocks_) {
    for (const Assignment& one : plan::allocations_of(stored.block)) {
      if (wanted.contains(one.handle)) done.emplace(one.handle, one);
    }
  }
}

/// Handles first, then the block: a crash in between leaves a handle without addresses, which is
/// found and used again, never an address that no handle leads to.
Result<void> IpamClient::fill_from(const Prefix& cidr, std::vector<AddressRequest> open,
                                   Assigned& done) {
  std::set<std::string> prepared;
  for (int tries = 0; tries < most_tries && !open.empty(); ++tries) {
    StoredBlock next = blocks_.at(cidr);
    const std::vector<Assignment> assigned = plan::assign(next.block, open);
    if (assigned.empty()) return {};  // full
    const size_t before = done.size();
    for (const Assignment& one : assigned) {
      if (!prepared.insert(one.handle).second) continue;
      HOP_TRY(const auto found, prepare_handle(one.handle, cidr));
      if (found) done.emplace(one.handle, *found);
    }
    if (done.size() == before) {
      auto updated = source_.update(block_kind(), "", plan::block_object_name(cidr),
                                    plan::to_json(next.block, next.metadata));
      if (updated) {
        next.metadata = member(*updated, "metadata");
        blocks_[cidr] = std::move(next);
        for (const Assignment& one : assigned) done.emplace(one.handle, one);
        return {};
      }
      const ErrorCode code = updated.error().code();
      if (code != ErrorCode::conflict && code != ErrorCode::not_found) {
        return std::move(updated).error();
      }
      auto stored = read_block(cidr);
      if (!stored && stored.error().code() == ErrorCode::not_found) {
        log_.warning(str("block ", to_string(cidr), " of ", node_, " was deleted"));
        blocks_.erase(cidr);
        std::erase(own_, cidr);
        return {};
      }
      if (!stored) return std::move(stored).error();
      blocks_[cidr] = *std::move(stored);
      find_existing(open, done);  // our own earlier incarnation may have been the other writer
    }
    open = missing(open, done);
  }
  return open.empty() ? Result<void>() : gave_up(cidr);
}

/// Makes the handle that leads to an address in the block. If it exists and already leads to an
/// address, returns that one.
Result<std::optional<Assignment>> IpamClient::prepare_handle(const std::string& id,
                                                             const Prefix& cidr) {
  const std::string name = plan::handle_object_name(id);
  const plan::AddressHandle wanted{id, {{cidr, 1}}};
  auto created = source_.create(handle_kind(), "", plan::to_json(wanted));
  if (created) return std::optional<Assignment>();
  if (created.error().code() != ErrorCode::already_exists) return std::move(created).error();
  HOP_TRY(const Json object, source_.get(handle_kind(), "", name));
  HOP_TRY(const plan::AddressHandle present, plan::handle_from_json(object));
  for (const auto& [block, count] : present.blocks) {
    auto stored = read_block(block);
    if (!stored) continue;
    for (const Assignment& one : plan::allocations_of(stored->block)) {
      if (one.handle == id) return std::optional<Assignment>(one);
    }
  }
  HOP_CHECK(
      source_.update(handle_kind(), "", name, plan::to_json(wanted, member(object, "metadata"))));
  return std::optional<Assignment>();
}

}  // namespace hoplab::reconcile
