#include <openssl/evp.h>

#include <array>

#include "runtime/base/text.h"
#include "runtime/plan/felix_rules.h"

// Felix's own spelling of rules, which its hashes are made of. It is not iptables-save's.

namespace hoplab::plan {

namespace {

std::string hex(uint32_t value) {
  return value == 0 ? "0" : str("0x", std::hex, value);
}

std::string states_text(uint8_t states) {
  std::vector<std::string> names;
  if ((states & conntrack_state::invalid) != 0) names.emplace_back("INVALID");
  if ((states & conntrack_state::new_) != 0) names.emplace_back("NEW");
  if ((states & conntrack_state::related) != 0) names.emplace_back("RELATED");
  if ((states & conntrack_state::established) != 0) names.emplace_back("ESTABLISHED");
  if ((states & conntrack_state::dnat) != 0) names.emplace_back("DNAT");
  return join(names, ",");
}

struct MatchText {
  std::string operator()(const MarkMatch& match) const {
    return str("-m mark ", match.negated ? "! " : "", "--mark ", hex(match.value), "/",
               hex(match.mask));
  }
  std::string operator()(const StateMatch& match) const {
    return str("-m conntrack ", match.negated ? "! " : "", "--ctstate ", states_text(match.states));
  }
  std::string operator()(const LocalAddressMatch& match) const {
    return str("-m addrtype ", match.negated ? "! " : "",
               match.source ? "--src-type" : "--dst-type", " LOCAL",
               match.limit_to_out_interface ? " --limit-iface-out" : "");
  }
  std::string operator()(const SetMatch& match) const {
    const bool source = !match.directions.empty() && match.directions[0] == SetDirection::source;
    return str("-m set ", match.negated ? "! " : "", "--match-set ", match.name,
               source ? " src" : " dst");
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

struct TargetText {
  std::string operator()(const Accept&) const { return "--jump ACCEPT"; }
  std::string operator()(const Drop&) const { return "--jump DROP"; }
  std::string operator()(const Return&) const { return "--jump RETURN"; }
  std::string operator()(const Jump& jump) const { return "--jump " + jump.chain; }
  std::string operator()(const Goto& go) const { return "--goto " + go.chain; }
  std::string operator()(const Masquerade& masquerade) const {
    return str("--jump MASQUERADE", masquerade.random_fully ? " --random-fully" : "");
  }
  std::string operator()(const SetMark& mark) const {
    return str("--jump MARK --set-mark ", hex(mark.value), "/", hex(mark.mask));
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

using Digest = std::array<unsigned char, 28>;

Digest sha224(std::string_view first, std::string_view second) {
  Digest out{};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha224(), nullptr);
  EVP_DigestUpdate(context.get(), first.data(), first.size());
  EVP_DigestUpdate(context.get(), second.data(), second.size());
  EVP_DigestFinal_ex(context.get(), out.data(), nullptr);
  return out;
}

std::string base64url(const Digest& digest, size_t length) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (size_t bit = 0; out.size() < length; bit += 6) {
    const uint32_t two =
        uint32_t{digest[bit / 8]} << 8U | (bit / 8 + 1 < digest.size() ? digest[bit / 8 + 1] : 0U);
    out += alphabet[two >> (10 - bit % 8) & 0x3fU];
  }
  return out;
}

std::string address_text(std::string_view flag, const std::optional<AddressMatch>& match) {
  if (!match) return "";
  return str(match->negated ? "! " : "", flag, " ", to_string(match->prefix));
}

std::string interface_text(std::string_view flag, const std::optional<InterfaceMatch>& match) {
  if (!match) return "";
  return str(match->negated ? "! " : "", flag, " ", match->name);
}

}  // namespace

std::string felix_rule_text(std::string_view chain, const Rule& rule) {
  std::vector<std::string> parts{"-A", std::string(chain), "HASH"};
  const auto add = [&parts](std::string text) {
    if (!text.empty()) parts.push_back(std::move(text));
  };
  for (const Match& match : rule.matches) {
    if (const auto* comment = std::get_if<CommentMatch>(&match)) {
      add(str("-m comment --comment \"", comment->text, "\""));
    }
  }
  add(interface_text("--in-interface", rule.in));
  add(interface_text("--out-interface", rule.out));
  if (rule.protocol) {
    add(str(rule.protocol->negated ? "! " : "", "-p ", static_cast<int>(rule.protocol->number)));
  }
  add(address_text("--source", rule.source));
  add(address_text("--destination", rule.destination));
  for (const Match& match : rule.matches) add(std::visit(MatchText{}, match));
  add(std::visit(TargetText{}, rule.target));
  return join(parts, " ");
}

std::vector<std::string> felix_rule_hashes(std::string_view chain, const std::vector<Rule>& rules) {
  std::vector<std::string> out;
  Digest digest = sha224(chain, "");
  for (const Rule& rule : rules) {
    const std::string_view before(reinterpret_cast<const char*>(digest.data()), digest.size());
    digest = sha224(before, felix_rule_text(chain, rule));
    out.push_back(base64url(digest, 16));
  }
  return out;
}

}  // namespace hoplab::plan
