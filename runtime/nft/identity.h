#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/model/ruleset.h"

/// How we recognise what is ours in the kernel: a mark in the user data of rules and chains. The
/// kernel keeps user data without reading it; iptables-nft and nft print only type 0, the comment.
namespace hoplab::nft {

/// Type of our user-data attribute (types 0 to 2 are taken by iptables and nft).
inline constexpr uint8_t mark_type = 0x48;

/// Stable across builds and machines (FNV-1a, 64 bits) of the rule's text.
uint64_t rule_hash(std::string_view rule_spec);

struct RuleMark {
  std::string owner;
  uint64_t hash = 0;  ///< 0 on chains.
  bool operator==(const RuleMark&) const = default;
};

/// User data: the comment, if any, then the mark.
std::string encode_user_data(const RuleMark& mark, std::string_view comment);
/// The mark in foreign bytes; nullopt when there is none or the bytes are damaged.
std::optional<RuleMark> find_mark(std::span<const std::byte> user_data);

}  // namespace hoplab::nft
