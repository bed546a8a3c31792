#include "runtime/nft/identity.h"

#include "runtime/base/bytes.h"

namespace hoplab::nft {

namespace {

constexpr uint8_t comment_type = 0;  // NFTNL_UDATA_RULE_COMMENT
constexpr size_t hash_bytes = 8;

void put_head(std::string& out, uint8_t type, size_t length) {
  out += static_cast<char>(type);
  out += static_cast<char>(length);
}

}  // namespace

uint64_t rule_hash(std::string_view rule_spec) {
  return fnv1a_64(rule_spec);
}

std::string encode_user_data(const RuleMark& mark, std::string_view comment) {
  std::string out;
  out.reserve(comment.size() + mark.owner.size() + hash_bytes + 5);
  if (!comment.empty()) {
    put_head(out, comment_type, comment.size() + 1);
    out += comment;
    out += '\0';
  }
  put_head(out, mark_type, hash_bytes + mark.owner.size());
  for (size_t i = 0; i < hash_bytes; ++i) {
    out += static_cast<char>(mark.hash >> (8 * (hash_bytes - 1 - i)) & 0xffU);
  }
  out += mark.owner;
  return out;
}

std::optional<RuleMark> find_mark(std::span<const std::byte> user_data) {
  while (user_data.size() >= 2) {
    const auto type = static_cast<uint8_t>(user_data[0]);
    const auto length = static_cast<size_t>(user_data[1]);
    if (user_data.size() < 2 + length) return std::nullopt;
    const auto value = user_data.subspan(2, length);
    if (type == mark_type && length >= hash_bytes) {
      RuleMark mark;
      for (size_t i = 0; i < hash_bytes; ++i) {
        mark.hash = mark.hash << 8U | static_cast<uint8_t>(value[i]);
      }
      for (std::byte b : value.subspan(hash_bytes)) mark.owner += static_cast<char>(b);
      return mark;
    }
    user_data = user_data.subspan(2 + length);
  }
  return std::nullopt;
}

}  // namespace hoplab::nft
