#include "runtime/nft/change.h"

#include "runtime/base/text.h"
#include "runtime/nft/render_text.h"

namespace hoplab::nft {

std::string to_command(const Change& change) {
  switch (change.kind) {
    case ChangeKind::add_table:
      return str("nft add table ip ", change.table);
    case ChangeKind::add_chain:
      if (change.base) return str("iptables -t ", change.table, " -P ", change.chain, " ACCEPT");
      return str("iptables -t ", change.table, " -N ", change.chain);
    case ChangeKind::add_rule: {
      const Rule& rule = change.rule.value();
      if (change.number == 0) return to_command(change.table, change.chain, rule);
      return str("iptables -t ", change.table, " -I ", change.chain, " ", change.number,
                 rule_spec_for_shell(rule));
    }
    case ChangeKind::delete_rule:
      return str("nft delete rule ip ", change.table, " ", change.chain, " handle ", change.handle);
    case ChangeKind::flush_chain:
      return str("iptables -t ", change.table, " -F ", change.chain);
    case ChangeKind::delete_chain:
      return str("iptables -t ", change.table, " -X ", change.chain);
  }
  return {};
}

}  // namespace hoplab::nft
