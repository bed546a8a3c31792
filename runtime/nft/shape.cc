#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include <array>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/nft/attributes.h"

namespace hoplab::nft {

namespace {

enum class Content { bytes, data };
struct Field {
  uint16_t attribute = 0;  ///< 0 ends the list.
  Content content = Content::bytes;
};
struct Known {
  std::string_view name;
  std::array<Field, 3> fields;
};

// What tells two expressions of a kind apart. Registers are left out: all of ours use the same, and
// so do iptables' rules.
constexpr std::array known_expressions{
    Known{"meta", {{{NFTA_META_KEY}}}},
    Known{"payload", {{{NFTA_PAYLOAD_BASE}, {NFTA_PAYLOAD_OFFSET}, {NFTA_PAYLOAD_LEN}}}},
    Known{"cmp", {{{NFTA_CMP_OP}, {NFTA_CMP_DATA, Content::data}}}},
    Known{"range",
          {{{NFTA_RANGE_OP},
            {NFTA_RANGE_FROM_DATA, Content::data},
            {NFTA_RANGE_TO_DATA, Content::data}}}},
    Known{"bitwise", {{{NFTA_BITWISE_MASK, Content::data}, {NFTA_BITWISE_XOR, Content::data}}}},
    Known{"immediate", {{{NFTA_IMMEDIATE_DATA, Content::data}}}},
    Known{"match", {{{NFTA_MATCH_NAME}, {NFTA_MATCH_REV}, {NFTA_MATCH_INFO}}}},
    Known{"target", {{{NFTA_TARGET_NAME}, {NFTA_TARGET_REV}, {NFTA_TARGET_INFO}}}},
};

void add_bytes(std::string& out, Bytes bytes) {
  out += ' ';
  out += hex_text(bytes);
}

/// A value or a verdict.
void add_data(std::string& out, Bytes data) {
  const Bytes verdict = find_attribute(data, NFTA_DATA_VERDICT);
  if (verdict.empty()) return add_bytes(out, find_attribute(data, NFTA_DATA_VALUE));
  add_bytes(out, find_attribute(verdict, NFTA_VERDICT_CODE));
  out += ' ';
  out += text_of(find_attribute(verdict, NFTA_VERDICT_CHAIN));
}

bool add_expression(std::string& out, Bytes expression) {
  const std::string name = text_of(find_attribute(expression, NFTA_EXPR_NAME));
  if (name == "counter") return true;
  const Bytes data = find_attribute(expression, NFTA_EXPR_DATA);
  for (const Known& known : known_expressions) {
    if (known.name != name) continue;
    out += name;
    for (const Field& field : known.fields) {
      if (field.attribute == 0) break;
      const Bytes value = find_attribute(data, field.attribute);
      field.content == Content::data ? add_data(out, value) : add_bytes(out, value);
    }
    out += '\n';
    return true;
  }
  return false;
}

}  // namespace

std::string shape_of_expressions(Bytes expressions) {
  std::string out;
  while (auto element = take_attribute(expressions)) {
    if (!add_expression(out, element->payload)) return {};
  }
  return out;
}

}  // namespace hoplab::nft
