#include "store/api/yaml_text.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "store/api/yaml_scalar.h"

namespace hoplab::api {

namespace {

enum class Style { plain, single_quoted, double_quoted, literal };

/// One character of UTF-8 text.
struct Rune {
  uint32_t code = 0;
  size_t length = 1;
};

Rune rune_at(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  size_t length = byte(0) < 0x80 ? 1 : (byte(0) >> 5U) == 6 ? 2 : (byte(0) >> 4U) == 14 ? 3 : 4;
  if (at + length > text.size()) return {0xFFFD, 1};
  if (length == 1) return {byte(0), 1};
  uint32_t code = byte(0) & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = code << 6U | (byte(i) & 0x3FU);
  return {code, length};
}

bool is_break(uint32_t c) {
  return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_blank_or_end(std::string_view text, size_t at) {
  return at >= text.size() || text[at] == ' ' || text[at] == '\t' ||
         is_break(rune_at(text, at).code);
}

/// What yaml.v2 prints as it is; tabs and what lies beyond the BMP are not among it.
bool is_printable(uint32_t c) {
  return c == '\n' || (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) ||
         (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF);
}

/// Which styles a text allows outside of flow collections.
struct Allowed {
  bool plain = true;
  bool single_quoted = true;
  bool literal = true;
};

/// Marks that mean something to YAML where they stand.
bool is_indicator(std::string_view text, size_t at, bool after_blank) {
  char c = text[at];
  bool blank_follows = is_blank_or_end(text, at + 1);
  if (at == 0) {
    constexpr std::string_view always = "#,[]{}&*!|>'\"%@`";
    if (always.find(c) != std::string_view::npos) return true;
    return blank_follows && (c == '?' || c == '-' || c == ':');
  }
  return (c == ':' && blank_follows) || (c == '#' && after_blank);
}

Allowed analyze(std::string_view text) {
  if (text.empty()) return {true, true, false};
  bool indicators = text.starts_with("---") || text.starts_with("...");
  bool breaks = false, special = false, break_space = false, space_break = false;
  bool last_space = false, last_break = false, after_blank = true;
  for (size_t i = 0; i < text.size();) {
    auto [code, length] = rune_at(text, i);
    if (is_indicator(text, i, after_blank)) indicators = true;
    if (!is_printable(code)) special = true;
    if (code == ' ' && last_break) break_space = true;
    if (is_break(code) && last_space) space_break = true;
    breaks = breaks || is_break(code);
    last_space = code == ' ';
    last_break = is_break(code);
    after_blank = code == ' ' || code == '\t' || last_break;
    i += length;
  }
  bool edge_space = text.front() == ' ' || last_space;
  bool edge_break = is_break(rune_at(text, 0).code) || last_break;
  Allowed allowed;
  allowed.plain =
      !(edge_space || edge_break || break_space || space_break || special || breaks || indicators);
  allowed.single_quoted = !(break_space || space_break || special);
  allowed.literal = !(last_space || space_break || special);
  return allowed;
}

Style choose_style(std::string_view text, bool as_key) {
  bool many_lines = text.find('\n') != std::string_view::npos;
  Allowed allowed = analyze(text);
  if (many_lines) return !as_key && allowed.literal ? Style::literal : Style::double_quoted;
  ScalarType type = resolve_plain(text).type;
  bool is_text = type == ScalarType::text || (type == ScalarType::merge && !as_key);
  if (!is_text || is_base60(text)) return Style::double_quoted;
  if (allowed.plain) return Style::plain;
  return allowed.single_quoted ? Style::single_quoted : Style::double_quoted;
}

size_t column_of(const std::string& out) {
  auto start = out.rfind('\n');
  size_t column = 0;
  for (size_t i = start == std::string::npos ? 0 : start + 1; i < out.size(); ++i) {
    if ((static_cast<unsigned char>(out[i]) & 0xC0U) != 0x80) ++column;
  }
  return column;
}

std::string escape(uint32_t code) {
  switch (code) {
    case 0x00:
      return "\\0";
    case 0x07:
      return "\\a";
    case 0x08:
      return "\\b";
    case 0x09:
      return "\\t";
    case 0x0A:
      return "\\n";
    case 0x0B:
      return "\\v";
    case 0x0C:
      return "\\f";
    case 0x0D:
      return "\\r";
    case 0x1B:
      return "\\e";
    case 0x22:
      return "\\\"";
    case 0x5C:
      return "\\\\";
    case 0x85:
      return "\\N";
    case 0x2028:
      return "\\L";
    case 0x2029:
      return "\\P";
    default:
      break;
  }
  std::array<char, 12> text{};
  const char* format = code <= 0xFF ? "\\x%02X" : (code <= 0xFFFF ? "\\u%04X" : "\\U%08X");
  std::snprintf(text.data(), text.size(), format, code);
  return text.data();
}

/// Plain and quoted text on one line, folded at blanks when it grows past the width.
class LineWriter {
 public:
  LineWriter(std::string& out, Style style, size_t indent, size_t width)
      : out_(out), style_(style), indent_(indent), width_(width), column_(column_of(out)) {}

  void write(std::string_view text) {
    if (style_ == Style::single_quoted) put("'");
    if (style_ == Style::double_quoted) put("\"");
    bool after_space = false;
    for (size_t i = 0; i < text.size();) {
      auto [code, length] = rune_at(text, i);
      if (code == ' ') {
        write_space(text, i, after_space);
      } else if (style_ == Style::double_quoted &&
                 (!is_printable(code) || is_break(code) || code == '"' || code == '\\')) {
        put(escape(code));
      } else {
        put(style_ == Style::single_quoted && code == '\'' ? "''" : text.substr(i, length));
      }
      after_space = code == ' ';
      i += length;
    }
    if (style_ == Style::single_quoted) put("'");
    if (style_ == Style::double_quoted) put("\"");
  }

 private:
  void write_space(std::string_view text, size_t at, bool after_space) {
    bool next_is_space = at + 1 < text.size() && text[at + 1] == ' ';
    bool inside = at > 0 && at + 1 < text.size();
    bool fold = width_ > 0 && !after_space && column_ > width_;
    if (style_ != Style::plain) fold = fold && inside;
    if (style_ != Style::double_quoted) fold = fold && !next_is_space;
    if (!fold) return put(" ");
    out_ += '\n';
    out_.append(indent_, ' ');
    column_ = indent_;
    // A blank at the start of a folded line would be lost.
    if (style_ == Style::double_quoted && next_is_space) put("\\");
  }

  void put(std::string_view text) {
    out_ += text;
    for (char c : text) {
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80) ++column_;
    }
  }

  std::string& out_;
  Style style_;
  size_t indent_;
  size_t width_;
  size_t column_;
};

/// "|" with its hints: "2" when the first line starts with a blank, "-" without a newline at the
/// end, "+" with more than one.
void append_literal(std::string& out, std::string_view text, size_t indent) {
  out += '|';
  if (text.front() == ' ' || is_break(rune_at(text, 0).code)) out += '2';
  if (!text.ends_with('\n')) {
    out += '-';
  } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
    out += '+';
  }
  bool at_line_start = true;
  out += '\n';
  for (char c : text) {
    if (c != '\n' && at_line_start) out.append(indent, ' ');
    at_line_start = c == '\n';
    out += c;
  }
}

}  // namespace

void append_yaml_string(std::string& out, std::string_view text, size_t indent, size_t width) {
  Style style = choose_style(text, false);
  if (style == Style::literal) return append_literal(out, text, indent);
  LineWriter(out, style, indent, width).write(text);
}

void append_yaml_key(std::string& out, std::string_view text) {
  LineWriter(out, choose_style(text, true), 0, 0).write(text);
}

}  // namespace hoplab::api
