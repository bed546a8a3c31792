#include "runtime/model/ruleset.h"

#include <array>
#include <cmath>

namespace hoplab {

namespace {

struct Builtin {
  std::string_view table;
  std::string_view name;
  std::string_view type;
  Hook hook;
  int32_t priority;
};

// Names, types and priorities as iptables-nft makes them; a base chain with any other triple makes
// iptables call the whole table incompatible (facts/kernel.md P2).
constexpr std::array builtins{
    Builtin{"raw", "PREROUTING", "filter", Hook::prerouting, -300},
    Builtin{"raw", "OUTPUT", "filter", Hook::output, -300},
    Builtin{"mangle", "PREROUTING", "filter", Hook::prerouting, -150},
    Builtin{"mangle", "INPUT", "filter", Hook::input, -150},
    Builtin{"mangle", "FORWARD", "filter", Hook::forward, -150},
    Builtin{"mangle", "OUTPUT", "route", Hook::output, -150},
    Builtin{"mangle", "POSTROUTING", "filter", Hook::postrouting, -150},
    Builtin{"nat", "PREROUTING", "nat", Hook::prerouting, -100},
    Builtin{"nat", "INPUT", "nat", Hook::input, 100},
    Builtin{"nat", "OUTPUT", "nat", Hook::output, -100},
    Builtin{"nat", "POSTROUTING", "nat", Hook::postrouting, 100},
    Builtin{"filter", "INPUT", "filter", Hook::input, 0},
    Builtin{"filter", "FORWARD", "filter", Hook::forward, 0},
    Builtin{"filter", "OUTPUT", "filter", Hook::output, 0},
};

BaseChain base_of(const Builtin& row) {
  return {std::string(row.type), row.hook, row.priority, true};
}

}  // namespace

RandomMatch RandomMatch::one_in(unsigned n) {
  const double probability = std::round(1e10 / n) / 1e10;
  return {static_cast<uint32_t>(std::lround(2147483648.0 * probability))};
}

std::optional<BaseChain> builtin_chain(std::string_view table, std::string_view name) {
  for (const Builtin& row : builtins) {
    if (row.table == table && row.name == name) return base_of(row);
  }
  return std::nullopt;
}

std::vector<Chain> builtin_chains(std::string_view table) {
  std::vector<Chain> chains;
  for (const Builtin& row : builtins) {
    if (row.table == table) chains.push_back({std::string(row.name), base_of(row), {}});
  }
  return chains;
}

Table iptables_table(std::string_view name) {
  return {std::string(name), builtin_chains(name)};
}

Chain& Ruleset::chain(std::string_view table, std::string_view name) {
  auto home = tables.begin();
  while (home != tables.end() && home->name != table) ++home;
  if (home == tables.end()) home = tables.insert(home, iptables_table(table));
  for (Chain& chain : home->chains) {
    if (chain.name == name) return chain;
  }
  return home->chains.emplace_back(Chain{std::string(name), builtin_chain(table, name), {}});
}

const Chain* Ruleset::find(std::string_view table, std::string_view name) const {
  for (const Table& candidate : tables) {
    if (candidate.name != table) continue;
    for (const Chain& chain : candidate.chains) {
      if (chain.name == name) return &chain;
    }
  }
  return nullptr;
}

}  // namespace hoplab
