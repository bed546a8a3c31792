#pragma once

#include <string>

#include "runtime/model/ruleset.h"

/// Rules as text. Pure. The format is what iptables 1.8.9 prints (facts/services.md 1.5).
namespace hoplab::nft {

/// One line of iptables-save: "-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp … -j KUBE-SVC-…".
std::string rule_line(std::string_view chain, const Rule& rule);
/// The part after "-A CHAIN": empty or starting with a space. Two rules with the same text do the
/// same thing; the text is their identity.
std::string rule_spec(const Rule& rule);

/// One table of iptables-save without its comment lines: "*nat", ":CHAIN POLICY [0:0]" (built-in
/// chains in hook order, then the others by name), the rules, "COMMIT".
std::string table_text(const Table& table);
/// All tables, in their order.
std::string ruleset_text(const Ruleset& ruleset);

/// The command that appends this rule: "iptables -t nat -A KUBE-SERVICES …", quoted for a shell.
std::string to_command(std::string_view table, std::string_view chain, const Rule& rule);
/// The part after the chain's name, quoted for a shell.
std::string rule_spec_for_shell(const Rule& rule);

}  // namespace hoplab::nft
