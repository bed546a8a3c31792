#pragma once

// Private to runtime/nft: the xtables extensions (struct layouts, revisions) behind matches and
// targets that have no native form which iptables could print.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/ruleset.h"

namespace hoplab::nft {

/// libnftnl's NFTNL_UDATA_COMMENT_MAXLEN: longer comments do not fit into user data.
inline constexpr size_t max_user_data_comment = 128;

struct XtInfo {
  const char* name = "";
  uint32_t revision = 0;
  bool target = false;
  std::vector<uint8_t> bytes;  ///< The kernel's struct, padded to eight bytes.
};

/// Any match but MarkMatch, SetMatch and a PortMatch with ports.
XtInfo xt_match(const Match& match, uint8_t protocol_number);
XtInfo xt_set(const SetMatch& match, uint16_t index);
/// DNAT, MASQUERADE, MARK, REJECT, LOG.
XtInfo xt_target(const Target& target);

/// Refuses what does not fit the kernel's structs (names, comments, ports without a protocol).
Result<void> check_limits(const Rule& rule);

}  // namespace hoplab::nft
