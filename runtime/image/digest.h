#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::image {

/// The name of a content: "sha256:" and 64 lower-case hexadecimal digits (OCI image-spec,
/// descriptor.md, "Digests"). Other algorithms are refused: nothing we meet uses them.
class Digest {
 public:
  Digest() = default;
  /// `invalid` when the text is no sha256 digest. What passes is safe as a file name.
  static Result<Digest> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string_view hex() const { return std::string_view(text_).substr(7); }
  /// The first twelve digits, as docker prints ids.
  [[nodiscard]] std::string short_id() const { return std::string(hex().substr(0, 12)); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string text) : text_(std::move(text)) {}
  friend class Hasher;
  std::string text_;
};

/// SHA-256 of what passes by. One thread at a time.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void add(std::span<const std::byte> bytes);
  void add(std::string_view bytes);
  /// Ends the hash; the hasher then starts anew.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::string_view bytes);

}  // namespace hoplab::image
