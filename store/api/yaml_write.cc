#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "store/api/manifest.h"
#include "store/api/yaml_scalar.h"
#include "store/api/yaml_text.h"

namespace hoplab::api {

namespace {

constexpr size_t best_width = 80;
constexpr size_t longest_simple_key = 128;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (static_cast<unsigned char>(c) >= 0x80);
}

/// yaml.v2's key order: numbers inside texts by value ("a2" before "a10"), signs before letters.
bool key_less(const std::string& a, const std::string& b) {
  bool digits = false;
  size_t i = 0;
  for (; i < a.size() && i < b.size() && a[i] == b[i]; ++i) digits = is_digit(a[i]);
  if (i == a.size() || i == b.size()) return a.size() < b.size();
  bool a_letter = is_letter(a[i]);
  bool b_letter = is_letter(b[i]);
  if (a_letter && b_letter)
    return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
  if (a_letter || b_letter) return digits ? a_letter : b_letter;
  uint64_t a_number = 0;
  uint64_t b_number = 0;
  if (a[i] == '0' || b[i] == '0') {
    // Inside a number that began before: its leading digits count.
    for (size_t j = i; j-- > 0 && is_digit(a[j]);) {
      if (a[j] != '0') {
        a_number = b_number = 1;
        break;
      }
    }
  }
  size_t a_end = i;
  size_t b_end = i;
  while (a_end < a.size() && is_digit(a[a_end]))
    a_number = a_number * 10 + uint64_t(a[a_end++] - '0');
  while (b_end < b.size() && is_digit(b[b_end]))
    b_number = b_number * 10 + uint64_t(b[b_end++] - '0');
  if (a_number != b_number) return a_number < b_number;
  if (a_end != b_end) return a_end < b_end;
  return a[i] < b[i];
}

std::vector<const std::string*> sorted_keys(const Json& object) {
  std::vector<const std::string*> keys;
  for (auto it = object.begin(); it != object.end(); ++it) keys.push_back(&it.key());
  std::sort(keys.begin(), keys.end(),
            [](const auto* a, const auto* b) { return key_less(*a, *b); });
  return keys;
}

std::string number_text(const Json& value) {
  if (!value.is_number_float()) return value.dump();
  std::array<char, 40> text{};
  auto done = std::to_chars(text.data(), text.data() + text.size(), value.get<double>());
  return {text.data(), done.ptr};
}

/// Writes block style; the position is always right behind what was written last.
class Writer {
 public:
  std::string finish(const Json& value) {
    write(value, -2, false);
    if (out_.empty() || out_.back() != '\n') out_ += '\n';
    return std::move(out_);
  }

 private:
  /// `indent` is the column of the collection that holds the value; `in_map` says which kind it is.
  void write(const Json& value, int indent, bool in_map) {
    if (value.is_object() && !value.empty()) {
      if (in_map) new_line();
      write_map(value, indent + 2);
    } else if (value.is_array() && !value.empty()) {
      if (in_map) new_line();
      // A list is not indented below its key, but is inside another list.
      write_list(value, in_map ? indent : indent + 2);
    } else {
      if (in_map) out_ += ' ';
      write_leaf(value, std::max(indent, 0) + 2);
    }
  }

  void write_leaf(const Json& value, int indent) {
    if (value.is_object()) {
      out_ += "{}";
    } else if (value.is_array()) {
      out_ += "[]";
    } else if (value.is_string()) {
      append_yaml_string(out_, value.get_ref<const std::string&>(), static_cast<size_t>(indent),
                         best_width);
    } else if (value.is_number()) {
      out_ += number_text(value);
    } else {
      out_ += value.dump();
    }
  }

  void write_map(const Json& object, int indent) {
    bool first = true;
    for (const std::string* key : sorted_keys(object)) {
      if (!first) new_line();
      pad(indent);
      first = false;
      std::string text;
      append_yaml_key(text, *key);
      bool simple = text.size() <= longest_simple_key;
      out_ += simple ? "" : "? ";
      out_ += text;
      if (!simple) {
        new_line();
        pad(indent);
      }
      out_ += ':';
      write(object[*key], indent, true);
    }
  }

  void write_list(const Json& array, int indent) {
    bool first = true;
    for (const Json& item : array) {
      if (!first) new_line();
      pad(indent);
      first = false;
      out_ += "- ";
      write(item, indent, false);
    }
  }

  void new_line() {
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
  }

  /// Blanks up to the column; nothing where a "- " before it has already led there.
  void pad(int column) {
    auto start = out_.rfind('\n');
    size_t at = out_.size() - (start == std::string::npos ? 0 : start + 1);
    if (at < static_cast<size_t>(column)) out_.append(static_cast<size_t>(column) - at, ' ');
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const Json& value) {
  return Writer().finish(value);
}

}  // namespace hoplab::api
