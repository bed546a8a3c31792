#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ip.h"

namespace hoplab {

enum class IpSetType { hash_net, hash_ip };
/// "hash:net", "hash:ip".
std::string_view to_string(IpSetType type);

/// A named set of IPv4 networks or addresses that rules match against (`-m set --match-set`).
struct IpSet {
  std::string name;  ///< At most 31 bytes, e.g. "cali40masq-ipam-pools".
  IpSetType type = IpSetType::hash_net;
  uint32_t max_elements = 1048576;  ///< Felix's choice (facts/calico.md 5).
  std::vector<Prefix> members;      ///< Host bits cleared; /32 only in a hash:ip. Any order.
};

/// One change of an ipset; the list that is printed is the list that is applied.
struct IpSetOperation {
  enum class Kind { create, add, remove, destroy };
  Kind kind = Kind::add;
  std::string netns;  ///< For people; empty = the current one.
  std::string set;
  IpSetType type = IpSetType::hash_net;  ///< Of `create`.
  uint32_t max_elements = 0;             ///< Of `create`.
  Prefix member;                         ///< Of `add` and `remove`.
  std::string reason;
  bool operator==(const IpSetOperation&) const = default;
};

/// "ipset add cali40masq-ipam-pools 172.16.0.0/16" (in a namespace: "ip netns exec w1 ipset …").
std::string to_command(const IpSetOperation& operation);

/// What makes `observed` (none: the set does not exist) into `desired`: create, then what is
/// missing, then what is too much, so that no packet meets an emptier set than either. A set of
/// another type cannot be changed; the kernel answers the create with an error.
std::vector<IpSetOperation> diff(const IpSet& desired, const std::optional<IpSet>& observed,
                                 const std::string& netns, const std::string& reason);

}  // namespace hoplab
