#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "runtime/base/result.h"
#include "runtime/nft/change.h"

/// Changes as nfnetlink messages. Pure: bytes in memory, no socket.
namespace hoplab::nft {

struct EncodeOptions {
  std::string owner;  ///< RuleOwner::tag, put on every rule and chain.
  /// Number of an ipset by name; may be empty when no rule matches a set.
  std::function<Result<uint16_t>(const std::string& name)> set_index;
  /// Keep a comment that stands last among the matches in user data, where iptables prints it at
  /// the same place: 250 bytes less per rule. Off: as iptables itself stores it.
  bool compact_comments = true;
};

/// One message, padded to four bytes. A rule becomes the expressions that iptables prints as its
/// rule_line(), always with a counter.
Result<std::string> encode_change(const Change& change, uint32_t sequence,
                                  const EncodeOptions& options);
/// The same behind what `out` holds (whole messages); an error leaves `out` as it was.
Result<void> append_change(std::string& out, const Change& change, uint32_t sequence,
                           const EncodeOptions& options);

/// What the rule does, comparable with ObservedRule::shape.
Result<std::string> rule_shape(const Rule& rule, const EncodeOptions& options);

/// The messages around a batch.
std::string encode_batch_begin(uint32_t sequence);
std::string encode_batch_end(uint32_t sequence);

/// Asks the kernel to acknowledge this message (the last one of a batch: after the commit).
void request_ack(std::span<char> message);

}  // namespace hoplab::nft
