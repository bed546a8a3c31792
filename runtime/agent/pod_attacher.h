#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/ip.h"
#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/reconcile/ipam_client.h"

namespace hoplab::agent {

/// Which sandbox of which pod gets a network; the sandbox id is the IPAM handle's last part.
struct Attachment {
  std::string sandbox_id;
  std::string namespace_name;
  std::string pod;
};

/// A sandbox that is there and wants its cable.
struct PodWiring {
  Attachment who;
  Ipv4 ip;
  Fd netns;
};

/// The CNI plugin's place: addresses from IPAM and the veth pair of each pod, many pods at once.
/// Works in the network namespace it is made in (the node's). One thread.
class PodAttacher {
 public:
  PodAttacher(reconcile::IpamClient& ipam, uint32_t mtu, Log log);

  /// Gives back the addresses of sandboxes other than these, which an agent that was killed took
  /// for sandboxes that it never made, or that detach() could not give back. Until it has
  /// succeeded.
  Result<void> release_all_but(const std::vector<std::string>& sandbox_ids);
  /// An address for each, by sandbox id; the last ones go without when the pools are exhausted.
  Result<std::map<std::string, Ipv4>> assign(const std::vector<Attachment>& wanted);
  /// Makes the veth pairs (one batch for the node's side, one per pod); a result for each.
  std::vector<Result<void>> wire(const std::vector<PodWiring>& wirings);
  /// Removes the pod's link and gives its address back. Fine when either is gone already.
  Result<void> detach(const Attachment& who);

 private:
  reconcile::IpamClient& ipam_;
  uint32_t mtu_;
  Log log_;
  bool released_unused_ = false;
};

}  // namespace hoplab::agent
