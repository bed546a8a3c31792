#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/ip.h"

/// IPv4 packet filter rules as values, in the vocabulary of iptables: what a rule says here is what
/// `iptables-save` prints for it. `runtime/nft` renders them to text and to the kernel; planners
/// (kube-proxy, calico-node) only build values. Passive data, no threads, no I/O.
namespace hoplab {

// ---------------------------------------------------------------- the fixed part of a rule

struct AddressMatch {  ///< -s / -d
  Prefix prefix;
  bool negated = false;
  bool operator==(const AddressMatch&) const = default;
};
struct InterfaceMatch {  ///< -i / -o; a trailing '+' matches any ending: "cali+"
  std::string name;
  bool negated = false;
  bool operator==(const InterfaceMatch&) const = default;
};
/// IP protocol numbers that rules use; others are allowed.
namespace protocol {
inline constexpr uint8_t icmp = 1;
inline constexpr uint8_t ipip = 4;  ///< iptables prints "ipencap".
inline constexpr uint8_t tcp = 6;
inline constexpr uint8_t udp = 17;
inline constexpr uint8_t sctp = 132;
}  // namespace protocol
struct ProtocolMatch {  ///< -p
  uint8_t number = 0;
  bool negated = false;
  bool operator==(const ProtocolMatch&) const = default;
};

// ---------------------------------------------------------------- matches, printed in their order

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
  static PortRange one(uint16_t port) { return {port, port}; }
  bool operator==(const PortRange&) const = default;
};
struct PortTest {
  PortRange ports;
  bool negated = false;
  bool operator==(const PortTest&) const = default;
};
/// -m tcp / -m udp of the rule's protocol; with neither side set a bare `-m tcp`.
struct PortMatch {
  std::optional<PortTest> source;
  std::optional<PortTest> destination;
  bool operator==(const PortMatch&) const = default;
};
struct MultiportMatch {  ///< At most 15 slots; a range takes two.
  bool source = false;   ///< --sports, else --dports.
  std::vector<PortRange> ports;
  bool negated = false;
  bool operator==(const MultiportMatch&) const = default;
};
struct IcmpMatch {
  uint8_t type = 0;
  std::optional<uint8_t> code;
  bool operator==(const IcmpMatch&) const = default;
};
/// -m comment. Its place among the matches is the place where iptables prints it. At most 255
/// bytes.
struct CommentMatch {
  std::string text;
  bool operator==(const CommentMatch&) const = default;
};
struct MarkMatch {
  uint32_t value = 0;
  uint32_t mask = 0xffffffff;
  bool negated = false;
  bool operator==(const MarkMatch&) const = default;
};
namespace conntrack_state {
inline constexpr uint8_t invalid = 1;
inline constexpr uint8_t new_ = 2;
inline constexpr uint8_t related = 4;
inline constexpr uint8_t established = 8;
inline constexpr uint8_t untracked = 16;
inline constexpr uint8_t snat = 32;
inline constexpr uint8_t dnat = 64;
}  // namespace conntrack_state
struct StateMatch {  ///< -m conntrack --ctstate; `states` is an OR of conntrack_state.
  uint8_t states = 0;
  bool negated = false;
  bool operator==(const StateMatch&) const = default;
};
struct LocalAddressMatch {  ///< -m addrtype --src-type/--dst-type LOCAL
  bool source = false;
  bool negated = false;
  bool limit_to_out_interface = false;  ///< --limit-iface-out
  bool operator==(const LocalAddressMatch&) const = default;
};
/// -m statistic --mode random; the kernel keeps the probability as a multiple of 2^-31.
struct RandomMatch {
  uint32_t threshold = 0;
  /// 1/n as kube-proxy gives it to iptables: rounded to ten decimals first.
  static RandomMatch one_in(unsigned n);
  bool operator==(const RandomMatch&) const = default;
};
struct RecentMatch {  ///< -m recent: lists of source addresses that the kernel keeps.
  std::string name;
  bool set = false;      ///< --set, else --rcheck.
  uint32_t seconds = 0;  ///< --rcheck only; 0 = any age.
  bool reap = false;
  bool operator==(const RecentMatch&) const = default;
};
enum class SetDirection { source, destination };
struct SetMatch {  ///< -m set --match-set; the set must exist when the rule is applied.
  std::string name;
  std::vector<SetDirection> directions;
  bool negated = false;
  bool operator==(const SetMatch&) const = default;
};
struct ReversePathMatch {  ///< -m rpfilter
  bool valid_mark = false;
  bool invert = false;
  bool operator==(const ReversePathMatch&) const = default;
};
using Match =
    std::variant<PortMatch, MultiportMatch, IcmpMatch, CommentMatch, MarkMatch, StateMatch,
                 LocalAddressMatch, RandomMatch, RecentMatch, SetMatch, ReversePathMatch>;

// ---------------------------------------------------------------- targets

struct NoTarget {
  bool operator==(const NoTarget&) const = default;
};
struct Accept {
  bool operator==(const Accept&) const = default;
};
struct Drop {
  bool operator==(const Drop&) const = default;
};
struct Return {
  bool operator==(const Return&) const = default;
};
struct Jump {
  std::string chain;
  bool operator==(const Jump&) const = default;
};
struct Goto {
  std::string chain;
  bool operator==(const Goto&) const = default;
};
struct Reject {
  bool tcp_reset = false;  ///< Else icmp-port-unreachable.
  bool operator==(const Reject&) const = default;
};
struct Dnat {
  Ipv4 ip;
  uint16_t port = 0;  ///< 0 = the port stays.
  bool operator==(const Dnat&) const = default;
};
struct Masquerade {
  bool random_fully = false;
  bool operator==(const Masquerade&) const = default;
};
/// MARK --set-xmark: mark = (mark & ~mask) ^ value.
struct SetMark {
  uint32_t value = 0;
  uint32_t mask = 0xffffffff;
  bool operator==(const SetMark&) const = default;
};
struct LogTarget {
  std::string prefix;  ///< At most 29 bytes.
  uint8_t level = 4;
  bool operator==(const LogTarget&) const = default;
};
struct Trace {
  bool operator==(const Trace&) const = default;
};
using Target = std::variant<NoTarget, Accept, Drop, Return, Jump, Goto, Reject, Dnat, Masquerade,
                            SetMark, LogTarget, Trace>;

// ---------------------------------------------------------------- rule, chain, table, ruleset

/// Where a rule of ours goes in a base chain, which it shares with other people's rules.
enum class Placement {
  bottom,  ///< Added at the end.
  top,     ///< Added in front, as kube-proxy does; once there it may be anywhere.
  first,   ///< Always ahead of everybody, as Calico's jumps; moved back when it is not.
};

struct Rule {
  std::optional<AddressMatch> source;
  std::optional<AddressMatch> destination;
  std::optional<InterfaceMatch> in;
  std::optional<InterfaceMatch> out;
  std::optional<ProtocolMatch> protocol;
  std::vector<Match> matches;
  Target target;
  Placement placement = Placement::bottom;  ///< Read only in base chains.
  bool operator==(const Rule&) const = default;
};

enum class Hook { prerouting, input, forward, output, postrouting };
/// What makes a chain see packets. Type and priority must be the ones iptables uses.
struct BaseChain {
  std::string type = "filter";  ///< "filter", "nat" or "route".
  Hook hook = Hook::prerouting;
  int32_t priority = 0;
  bool accept = true;  ///< The policy a new chain gets; an existing chain's is left alone.
  bool operator==(const BaseChain&) const = default;
};

struct Chain {
  std::string name;  ///< At most 28 bytes.
  std::optional<BaseChain> base;
  std::vector<Rule> rules;  ///< Of a base chain: only our rules in it.
  bool operator==(const Chain&) const = default;
};

struct Table {
  std::string name;  ///< "raw", "mangle", "nat" or "filter".
  std::vector<Chain> chains;
  bool operator==(const Table&) const = default;
};

/// Everything one owner wants in the packet filter.
struct Ruleset {
  std::vector<Table> tables;
  bool operator==(const Ruleset&) const = default;

  /// The chain, made where it is missing; a built-in name ("PREROUTING") becomes its base chain.
  /// The reference is good until the next call.
  Chain& chain(std::string_view table, std::string_view name);
  [[nodiscard]] const Chain* find(std::string_view table, std::string_view name) const;
};

/// The base chain iptables makes under this name ("nat", "PREROUTING"); nullopt for other names.
std::optional<BaseChain> builtin_chain(std::string_view table, std::string_view name);
/// All built-in chains of a table in iptables' order; none for an unknown table.
std::vector<Chain> builtin_chains(std::string_view table);
/// A table in which all built-in chains exist, so that every iptables command finds what it knows.
Table iptables_table(std::string_view name);

}  // namespace hoplab
