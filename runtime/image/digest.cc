#include "runtime/image/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"

namespace hoplab::image {

namespace {

constexpr std::string_view prefix = "sha256:";

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 64 ||
      !std::all_of(text.begin() + prefix.size(), text.end(), is_hex)) {
    return Error(ErrorCode::invalid,
                 str("\"", text.substr(0, 100), "\" is no digest (sha256: and 64 digits)"));
  }
  return Digest(std::string(text));
}

struct Hasher::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
  void start() { EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  state_->start();
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

void Hasher::add(std::string_view bytes) {
  add(std::as_bytes(std::span(bytes)));
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), raw.data(), &size);
  state_->start();
  return Digest(str(prefix, hex_text(std::as_bytes(std::span(raw).first(size)))));
}

Digest digest_of(std::string_view bytes) {
  Hasher hasher;
  hasher.add(bytes);
  return hasher.finish();
}

}  // namespace hoplab::image
