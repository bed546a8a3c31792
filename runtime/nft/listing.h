#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::nft {

class NftSocket;

/// Everything in nftables of every family, one text line each, that can be compared: tables,
/// chains, rules, sets, objects and flowtables. A rule is its handle and a hash of what it does.
/// Left out is what packets change: counters, quotas, elements of sets.
Result<std::vector<std::string>> list_everything(NftSocket& socket);

/// The line of one netlink message (header included); nullopt for a message of another kind.
std::optional<std::string> listing_line(std::span<const std::byte> message);

}  // namespace hoplab::nft
