#include <cstdio>
// libnftnl's headers use FILE without including it.
#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>

#include <string_view>

#include "runtime/base/text.h"
#include "runtime/nft/expressions.h"

namespace hoplab::nft {

namespace {

void add_number(std::string& out, const nftnl_expr* expr, uint16_t attribute) {
  out += ' ';
  out += std::to_string(nftnl_expr_get_u32(expr, attribute));
}

void add_bytes(std::string& out, const nftnl_expr* expr, uint16_t attribute) {
  uint32_t length = 0;
  const void* data = nftnl_expr_get(expr, attribute, &length);
  if (data == nullptr) return;
  static constexpr std::string_view digits = "0123456789abcdef";
  out += ' ';
  for (uint32_t i = 0; i < length; ++i) {
    const auto byte = static_cast<const uint8_t*>(data)[i];
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
}

void add_match(std::string& out, const nftnl_expr* expr) {
  out += ' ';
  out += nftnl_expr_get_str(expr, NFTNL_EXPR_MT_NAME);
  add_number(out, expr, NFTNL_EXPR_MT_REV);
  add_bytes(out, expr, NFTNL_EXPR_MT_INFO);
}

void add_target(std::string& out, const nftnl_expr* expr) {
  out += ' ';
  out += nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
  add_number(out, expr, NFTNL_EXPR_TG_REV);
  add_bytes(out, expr, NFTNL_EXPR_TG_INFO);
}

void add_immediate(std::string& out, const nftnl_expr* expr) {
  if (nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_DATA))
    return add_bytes(out, expr, NFTNL_EXPR_IMM_DATA);
  add_number(out, expr, NFTNL_EXPR_IMM_VERDICT);
  if (!nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_CHAIN)) return;
  out += ' ';
  out += nftnl_expr_get_str(expr, NFTNL_EXPR_IMM_CHAIN);
}

/// Appends one expression; false when it is of a kind that our rules never have.
bool add_expression(std::string& out, const nftnl_expr* expr) {
  const std::string_view name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
  if (name == "counter") return true;
  out += name;
  if (name == "meta") {
    add_number(out, expr, NFTNL_EXPR_META_KEY);
  } else if (name == "payload") {
    add_number(out, expr, NFTNL_EXPR_PAYLOAD_BASE);
    add_number(out, expr, NFTNL_EXPR_PAYLOAD_OFFSET);
    add_number(out, expr, NFTNL_EXPR_PAYLOAD_LEN);
  } else if (name == "cmp") {
    add_number(out, expr, NFTNL_EXPR_CMP_OP);
    add_bytes(out, expr, NFTNL_EXPR_CMP_DATA);
  } else if (name == "range") {
    add_number(out, expr, NFTNL_EXPR_RANGE_OP);
    add_bytes(out, expr, NFTNL_EXPR_RANGE_FROM_DATA);
    add_bytes(out, expr, NFTNL_EXPR_RANGE_TO_DATA);
  } else if (name == "bitwise") {
    add_bytes(out, expr, NFTNL_EXPR_BITWISE_MASK);
    add_bytes(out, expr, NFTNL_EXPR_BITWISE_XOR);
  } else if (name == "immediate") {
    add_immediate(out, expr);
  } else if (name == "match") {
    add_match(out, expr);
  } else if (name == "target") {
    add_target(out, expr);
  } else {
    return false;
  }
  out += '\n';
  return true;
}

struct Collector {
  std::string text;
  bool known = true;
};

}  // namespace

std::string rule_shape(const nftnl_rule* rule) {
  Collector collector;
  nftnl_expr_foreach(
      const_cast<nftnl_rule*>(rule),  // NOLINT: the library forgot the const
      [](nftnl_expr* expr, void* data) {
        auto* out = static_cast<Collector*>(data);
        out->known = out->known && add_expression(out->text, expr);
        return 0;
      },
      &collector);
  return collector.known ? collector.text : std::string();
}

}  // namespace hoplab::nft
