#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/plan/ipam.h"
#include "runtime/plan/ipam_objects.h"
#include "store/source.h"

namespace hoplab::reconcile {

/// A node's view of the address management: plan/ipam.h run against the store by compare-and-set
/// on IPAMBlock, BlockAffinity and IPAMHandle objects, in Calico's order (affinity pending, block,
/// affinity confirmed; handle before address), so that a crash anywhere leaks no address.
/// All addresses asked for in one call cost one write of the block. Thread-safe; calls wait for
/// each other. The Source and the clock outlive it.
class IpamClient {
 public:
  IpamClient(Source& source, const Clock& clock, std::string node, Log log,
             plan::IpamSettings settings = {});

  /// One address per handle, in request order. A handle that already has an address (an earlier try
  /// of a crashed agent) keeps it. The node's name and the time are noted, too. When the pools are
  /// exhausted or the node's block limit is reached, the last requests go without; `unavailable`
  /// when all do.
  Result<std::vector<plan::Assignment>> assign(std::vector<plan::AddressRequest> requests);
  /// Frees every address of the handles; unknown ones are no error.
  Result<void> release(const std::set<std::string>& handles);
  /// Frees the addresses of this node's pods that no handle in `keep` leads to: those that an agent
  /// took before it was killed. Never the tunnel's.
  Result<void> release_all_but(const std::set<std::string>& keep);
  /// The address of tunl0, handle "ipip-tunnel-addr-<node>"; assigned at the first call.
  Result<Ipv4> tunnel_address();

 private:
  struct StoredBlock {
    plan::AddressBlock block;
    Json metadata;
  };
  using Assigned = std::map<std::string, plan::Assignment>;  ///< By handle.

  Result<void> load_own_blocks();
  /// Why the last ones got none; nullopt when all got one.
  using Shortage = std::optional<Error>;
  Result<Shortage> fill_requests(const std::vector<plan::AddressRequest>& requests, Assigned& done);
  Result<StoredBlock> read_block(const Prefix& cidr);
  void find_existing(const std::vector<plan::AddressRequest>& requests, Assigned& done);
  Result<void> fill_from(const Prefix& cidr, std::vector<plan::AddressRequest> open,
                         Assigned& done);
  Result<std::optional<plan::Assignment>> prepare_handle(const std::string& id, const Prefix& cidr);
  Result<std::vector<plan::AddressPool>> pools();
  Result<std::optional<Prefix>> claim_new_block(const std::vector<plan::AddressPool>& enabled);
  Result<bool> claim(const Prefix& cidr);
  Result<bool> create_own_block(const Prefix& cidr);
  Result<Shortage> borrow(const std::vector<plan::AddressPool>& enabled,
                          const std::vector<plan::AddressRequest>& requests, Assigned& done);
  Result<void> free_in_block(const Prefix& cidr, const std::set<std::string>& handles);

  Source& source_;
  const Clock& clock_;
  const std::string node_;
  const Log log_;
  const plan::IpamSettings settings_;

  std::mutex mutex_;
  bool loaded_ = false;
  /// Own blocks and borrowed-from ones as last seen: nearly always current, since the node is
  /// nearly always the only writer; the compare-and-set says when not.
  std::map<Prefix, StoredBlock> blocks_;
  std::vector<Prefix> own_;  ///< In the order they were claimed.
};

/// Stores a block that addresses were taken out of, or deletes it when it has neither owner nor
/// addresses any more: marked first, by compare-and-set, so that nobody takes an address of it in
/// between. Returns what is stored; null: nothing.
Result<Json> store_or_delete_block(Source& source, plan::AddressBlock block, const Json& metadata);

/// Takes a removed node's name off its blocks: empty ones are deleted, the others stay for their
/// addresses' sake. Its tunnel address is freed. May run twice.
Result<void> release_node(Source& source, const std::string& node);

}  // namespace hoplab::reconcile
