#include "runtime/nft/observe.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtime/nft/transaction.h"

namespace hoplab::nft {

namespace {

constexpr int dump_attempts = 5;

struct Question {
  int type = 0;  ///< NFT_MSG_GET…
  bool dump = true;
  std::string table;
  std::string chain;
};

std::string encode(const Question& question, uint32_t sequence) {
  alignas(8) std::array<char, 1024> buffer;
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | question.type);
  // A single object comes back as one message followed by the acknowledgement.
  header->nlmsg_flags = NLM_F_REQUEST | (question.dump ? NLM_F_DUMP : NLM_F_ACK);
  header->nlmsg_seq = sequence;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = NFPROTO_IPV4;
  const bool rules = question.type == NFT_MSG_GETRULE;
  const uint16_t table_attribute = rules ? uint16_t{NFTA_RULE_TABLE} : uint16_t{NFTA_CHAIN_TABLE};
  const uint16_t chain_attribute = rules ? uint16_t{NFTA_RULE_CHAIN} : uint16_t{NFTA_CHAIN_NAME};
  if (!question.table.empty()) {
    mnl_attr_put_strz(header, table_attribute, question.table.c_str());
  }
  if (!question.chain.empty()) {
    mnl_attr_put_strz(header, chain_attribute, question.chain.c_str());
  }
  return {buffer.data(), header->nlmsg_len};
}

Result<void> ask(NftSocket& socket, const Question& question,
                 const NftSocket::MessageHandler& handler) {
  return socket.dump(encode(question, socket.next_sequence()), handler);
}

Result<void> read_tables(NftSocket& socket, const std::set<std::string>& wanted,
                         ObservedRuleset& out) {
  return ask(socket, {NFT_MSG_GETTABLE, true, {}, {}}, [&](std::span<const std::byte> message) {
    auto name = parse_table_message(message);
    if (name && wanted.contains(*name)) out.try_emplace(*name);
    return Result<void>();
  });
}

Result<void> read_chains(NftSocket& socket, const Question& question, ObservedRuleset& out) {
  return ask(socket, question, [&](std::span<const std::byte> message) {
    auto parsed = parse_chain_message(message);
    if (!parsed) return Result<void>();
    auto table = out.find(parsed->table);
    if (table != out.end()) table->second.chains[parsed->chain] = std::move(parsed->info);
    return Result<void>();
  });
}

Result<void> read_rules(NftSocket& socket, const Question& question, ObservedRuleset& out) {
  return ask(socket, question, [&](std::span<const std::byte> message) {
    auto parsed = parse_rule_message(message);
    if (!parsed) return Result<void>();
    auto table = out.find(parsed->table);
    if (table == out.end()) return Result<void>();
    auto chain = table->second.chains.find(parsed->chain);
    if (chain != table->second.chains.end()) chain->second.rules.push_back(std::move(parsed->rule));
    return Result<void>();
  });
}

Result<ObservedRuleset> read_whole_tables(NftSocket& socket, const std::set<std::string>& wanted) {
  ObservedRuleset out;
  HOP_CHECK(read_tables(socket, wanted, out));
  if (out.empty()) return out;  // A first sync: no table of ours, so no chain either.
  HOP_CHECK(read_chains(socket, {NFT_MSG_GETCHAIN, true, {}, {}}, out));
  for (const auto& [name, table] : ObservedRuleset(out)) {
    HOP_CHECK(read_rules(socket, {NFT_MSG_GETRULE, true, name, {}}, out));
  }
  return out;
}

Result<ObservedRuleset> read_some_chains(
    NftSocket& socket, const std::vector<std::pair<std::string, std::string>>& wanted) {
  ObservedRuleset out;
  std::set<std::string> tables;
  for (const auto& [table, chain] : wanted) tables.insert(table);
  HOP_CHECK(read_tables(socket, tables, out));
  for (const auto& [table, chain] : wanted) {
    auto home = out.find(table);
    if (home == out.end() || home->second.chains.contains(chain)) continue;
    auto found = read_chains(socket, {NFT_MSG_GETCHAIN, false, table, chain}, out);
    if (!found && found.error().code() == ErrorCode::not_found) continue;
    HOP_CHECK(std::move(found));
    HOP_CHECK(read_rules(socket, {NFT_MSG_GETRULE, true, table, chain}, out));
  }
  return out;
}

/// Somebody else's commit during a dump makes it worthless; the next attempt sees the new state.
template <typename Read>
Result<ObservedRuleset> until_consistent(Read read) {
  for (int attempt = 1;; ++attempt) {
    Result<ObservedRuleset> out = read();
    if (out || out.error().code() != ErrorCode::conflict || attempt == dump_attempts) return out;
  }
}

}  // namespace

Result<ObservedRuleset> observe_tables(NftSocket& socket, const std::vector<std::string>& tables) {
  const std::set<std::string> wanted(tables.begin(), tables.end());
  return until_consistent([&] { return read_whole_tables(socket, wanted); });
}

Result<ObservedRuleset> observe_chains(
    NftSocket& socket, const std::vector<std::pair<std::string, std::string>>& chains) {
  return until_consistent([&] { return read_some_chains(socket, chains); });
}

}  // namespace hoplab::nft
