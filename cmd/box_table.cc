#include "cmd/box_table.h"

#include <algorithm>
#include <cctype>

namespace hoplab::cmd {

namespace {

enum class Align { left, right, centre };

std::string pad(const std::string& text, size_t width, Align align) {
  size_t room = width - std::min(width, text.size());
  size_t before = align == Align::left ? 0 : align == Align::right ? room : room / 2;
  return std::string(before, ' ') + text + std::string(room - before, ' ');
}

/// tablewriter's own test: digits with a sign, a point, a percent or thousands.
bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-0123456789.,%") == std::string::npos;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string render_box(const std::vector<std::string>& headings,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& each : headings) widths.push_back(each.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string border = "+";
  for (size_t width : widths) border += std::string(width + 2, '-') + "+";
  border += "\n";
  std::string out = border + "|";
  for (size_t i = 0; i < headings.size(); ++i) {
    out += " " + pad(upper(headings[i]), widths[i], Align::centre) + " |";
  }
  out += "\n" + border;
  for (const auto& row : rows) {
    out += "|";
    for (size_t i = 0; i < row.size(); ++i) {
      out += " " + pad(row[i], widths[i], is_number(row[i]) ? Align::right : Align::left) + " |";
    }
    out += "\n";
  }
  return out + border;
}

}  // namespace hoplab::cmd
