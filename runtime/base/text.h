#pragma once

#include <concepts>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace hoplab {

/// Pieces between separators; "a,,b" gives three, "" gives none.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Words between runs of white space.
std::vector<std::string_view> words(std::string_view text);
std::string_view trim(std::string_view text);
/// The pieces point into the text: one that is about to go away has none to give.
template <typename Text>
  requires std::same_as<Text, std::string>
std::vector<std::string_view> split(Text&& text, char separator) = delete;
template <typename Text>
  requires std::same_as<Text, std::string>
std::vector<std::string_view> words(Text&& text) = delete;
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower(std::string_view text);
/// `text` as one shell word: quoted only when it needs to be.
std::string shell_quote(std::string_view text);

/// Joins anything that streams: `str("port ", 80)`. GCC 12 has no std::format.
template <typename... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

}  // namespace hoplab
