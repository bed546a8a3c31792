#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "runtime/model/route.h"

namespace hoplab::tunnel {

/// Longest-prefix match from a pod's address to its node, from the routes of the tunnel link.
/// A TUN device does not say which gateway the kernel chose. One thread.
class NextHops {
 public:
  /// Takes the unicast routes with a gateway whose link is `link`; drops what was there before.
  void assign(const std::vector<Route>& routes, std::string_view link);
  [[nodiscard]] std::optional<Ipv4> find(Ipv4 destination) const;

 private:
  struct Level {
    uint32_t mask = 0;
    std::unordered_map<uint32_t, Ipv4> networks;
  };
  std::vector<Level> levels_;  ///< Longest prefix first; a cluster has two or three lengths.
};

}  // namespace hoplab::tunnel
