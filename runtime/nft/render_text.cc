#include "runtime/nft/render_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "runtime/base/text.h"

namespace hoplab::nft {

namespace {

/// Appends words with a space in front. Rulesets have tens of thousands of rules: no streams here.
class Words {
 public:
  explicit Words(bool for_shell) : for_shell_(for_shell) {
    constexpr size_t usual_rule = 200;
    out_.reserve(usual_rule);
  }

  Words& word(std::string_view text) {
    out_ += ' ';
    out_ += text;
    return *this;
  }
  Words& flag(bool negated, std::string_view name) {
    if (negated) out_ += " !";
    return word(name);
  }
  Words& number(uint64_t value) {
    out_ += ' ';
    return digits(value);
  }
  Words& digits(uint64_t value, int base = 10) {
    std::array<char, 24> text{};
    auto [end, ec] = std::to_chars(text.begin(), text.end(), value, base);
    out_.append(text.begin(), end);
    return *this;
  }
  Words& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  /// Text from people. iptables-save quotes it unless it is all letters, digits, '_' and '-'.
  Words& quoted(std::string_view text) {
    if (for_shell_) return word(shell_quote(text));
    constexpr std::string_view plain =
        "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return word(text);
    out_ += " \"";
    for (char c : text) {
      if (c == '"' || c == '\\' || c == '\'') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
    return *this;
  }
  /// " !" is typed as it is: a shell takes a lone ! as a word.
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool for_shell_;
};

std::string protocol_name(uint8_t number) {
  switch (number) {
    case protocol::icmp:
      return "icmp";
    case protocol::ipip:
      return "ipencap";
    case protocol::tcp:
      return "tcp";
    case protocol::udp:
      return "udp";
    case protocol::sctp:
      return "sctp";
    default:
      return std::to_string(number);
  }
}

void add_range(Words& words, PortRange ports) {
  words.digits(ports.first);
  if (ports.last != ports.first) words.raw(":").digits(ports.last);
}

void add_port_test(Words& words, const std::optional<PortTest>& test, std::string_view option) {
  if (!test) return;
  words.flag(test->negated, option).raw(" ");
  add_range(words, test->ports);
}

struct MatchWriter {
  Words& words;
  const Rule& rule;

  void operator()(const PortMatch& m) const {
    words.word("-m").word(protocol_name(rule.protocol ? rule.protocol->number : 0));
    add_port_test(words, m.source, "--sport");
    add_port_test(words, m.destination, "--dport");
  }
  void operator()(const MultiportMatch& m) const {
    words.word("-m multiport").flag(m.negated, m.source ? "--sports" : "--dports");
    for (size_t i = 0; i < m.ports.size(); ++i) {
      words.raw(i == 0 ? " " : ",");
      add_range(words, m.ports[i]);
    }
  }
  void operator()(const IcmpMatch& m) const {
    words.word("-m icmp --icmp-type").number(m.type);
    if (m.code) words.raw("/").digits(*m.code);
  }
  void operator()(const CommentMatch& m) const {
    words.word("-m comment --comment").quoted(m.text);
  }
  void operator()(const MarkMatch& m) const {
    words.word("-m mark").flag(m.negated, "--mark 0x").digits(m.value, 16);
    if (m.mask != 0xffffffff) words.raw("/0x").digits(m.mask, 16);
  }
  void operator()(const StateMatch& m) const {
    constexpr std::array<std::string_view, 7> names{"INVALID",   "NEW",  "RELATED", "ESTABLISHED",
                                                    "UNTRACKED", "SNAT", "DNAT"};
    words.word("-m conntrack").flag(m.negated, "--ctstate");
    std::string_view separator = " ";
    for (size_t bit = 0; bit < names.size(); ++bit) {
      if ((m.states >> bit & 1U) == 0) continue;
      words.raw(separator).raw(names[bit]);
      separator = ",";
    }
  }
  void operator()(const LocalAddressMatch& m) const {
    words.word("-m addrtype").flag(m.negated, m.source ? "--src-type LOCAL" : "--dst-type LOCAL");
    if (m.limit_to_out_interface) words.word("--limit-iface-out");
  }
  void operator()(const RandomMatch& m) const {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.11f", m.threshold / 2147483648.0);
    words.word("-m statistic --mode random --probability").word(text.data());
  }
  void operator()(const RecentMatch& m) const {
    words.word("-m recent").word(m.set ? "--set" : "--rcheck");
    if (m.seconds != 0) words.word("--seconds").number(m.seconds);
    if (m.reap) words.word("--reap");
    words.word("--name").word(m.name).word("--mask 255.255.255.255 --rsource");
  }
  void operator()(const SetMatch& m) const {
    words.word("-m set").flag(m.negated, "--match-set").word(m.name);
    std::string_view separator = " ";
    for (SetDirection direction : m.directions) {
      words.raw(separator).raw(direction == SetDirection::source ? "src" : "dst");
      separator = ",";
    }
  }
  void operator()(const ReversePathMatch& m) const {
    words.word("-m rpfilter");
    if (m.valid_mark) words.word("--validmark");
    if (m.invert) words.word("--invert");
  }
};

struct TargetWriter {
  Words& words;

  void operator()(const NoTarget& /*none*/) const {}
  void operator()(const Accept& /*t*/) const { words.word("-j ACCEPT"); }
  void operator()(const Drop& /*t*/) const { words.word("-j DROP"); }
  void operator()(const Return& /*t*/) const { words.word("-j RETURN"); }
  void operator()(const Jump& t) const { words.word("-j").word(t.chain); }
  void operator()(const Goto& t) const { words.word("-g").word(t.chain); }
  void operator()(const Reject& t) const {
    words.word("-j REJECT --reject-with");
    words.word(t.tcp_reset ? "tcp-reset" : "icmp-port-unreachable");
  }
  void operator()(const Dnat& t) const {
    words.word("-j DNAT --to-destination").word(to_string(t.ip));
    if (t.port != 0) words.raw(":").digits(t.port);
  }
  void operator()(const Masquerade& t) const {
    words.word("-j MASQUERADE");
    if (t.random_fully) words.word("--random-fully");
  }
  void operator()(const SetMark& t) const {
    words.word("-j MARK --set-xmark 0x").digits(t.value, 16).raw("/0x").digits(t.mask, 16);
  }
  void operator()(const LogTarget& t) const {
    words.word("-j LOG");
    if (!t.prefix.empty()) words.word("--log-prefix").quoted(t.prefix);
    if (t.level != 4) words.word("--log-level").number(t.level);
  }
  void operator()(const Trace& /*t*/) const { words.word("-j TRACE"); }
};

void add_address(Words& words, const std::optional<AddressMatch>& match, std::string_view option) {
  if (!match || (match->prefix.length() == 0 && !match->negated)) return;
  words.flag(match->negated, option).word(to_string(match->prefix.masked()));
}

std::string spec(const Rule& rule, bool for_shell) {
  Words words(for_shell);
  add_address(words, rule.source, "-s");
  add_address(words, rule.destination, "-d");
  if (rule.in) words.flag(rule.in->negated, "-i").word(rule.in->name);
  if (rule.out) words.flag(rule.out->negated, "-o").word(rule.out->name);
  if (rule.protocol) {
    words.flag(rule.protocol->negated, "-p").word(protocol_name(rule.protocol->number));
  }
  for (const Match& match : rule.matches) std::visit(MatchWriter{words, rule}, match);
  std::visit(TargetWriter{words}, rule.target);
  return words.take();
}

}  // namespace

std::string rule_spec(const Rule& rule) {
  return spec(rule, false);
}

std::string rule_spec_for_shell(const Rule& rule) {
  return spec(rule, true);
}

std::string rule_line(std::string_view chain, const Rule& rule) {
  std::string line = "-A ";
  line += chain;
  line += rule_spec(rule);
  return line;
}

std::string to_command(std::string_view table, std::string_view chain, const Rule& rule) {
  std::string command = "iptables -t ";
  command += table;
  command += " -A ";
  command += chain;
  command += rule_spec_for_shell(rule);
  return command;
}

std::string table_text(const Table& table) {
  std::vector<const Chain*> chains;
  for (const Chain& chain : table.chains) chains.push_back(&chain);
  std::stable_sort(chains.begin(), chains.end(), [](const Chain* a, const Chain* b) {
    if (a->base.has_value() != b->base.has_value()) return a->base.has_value();
    return a->base ? a->base->hook < b->base->hook : a->name < b->name;
  });
  std::string text = "*" + table.name + "\n";
  for (const Chain* chain : chains) {
    std::string_view policy = "-";
    if (chain->base) policy = chain->base->accept ? "ACCEPT" : "DROP";
    text += ":" + chain->name + " ";
    text += policy;
    text += " [0:0]\n";
  }
  for (const Chain* chain : chains) {
    for (const Rule& rule : chain->rules) text += rule_line(chain->name, rule) + "\n";
  }
  return text + "COMMIT\n";
}

std::string ruleset_text(const Ruleset& ruleset) {
  std::string text;
  for (const Table& table : ruleset.tables) text += table_text(table);
  return text;
}

}  // namespace hoplab::nft
