#include "cmd/kubectl_tabs.h"

#include <algorithm>
#include <span>

namespace hoplab::cmd::kubectl {

namespace {

using Line = std::vector<std::string_view>;

std::vector<Line> read_lines(std::string_view text) {
  std::vector<Line> lines(1, Line(1));
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\t' && text[i] != '\n') continue;
    lines.back().back() = text.substr(begin, i - begin);
    begin = i + 1;
    if (i == text.size()) break;
    if (text[i] == '\t') {
      lines.back().emplace_back();
    } else {
      lines.emplace_back(1);
    }
  }
  return lines;
}

class Formatter {
 public:
  Formatter(std::span<const Line> lines, const TabStyle& style) : lines_(lines), style_(style) {}

  std::string run() {
    format(0, lines_.size());
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool has_cell(size_t line, size_t column) const {
    return column + 1 < lines_[line].size();
  }

  // As text/tabwriter's format(): a block of lines that share a column is laid out within the
  // columns to its left.
  void format(size_t from, size_t to) {
    const size_t column = widths_.size();
    for (size_t at = from; at < to; ++at) {
      if (!has_cell(at, column)) continue;
      write(from, at);
      from = at;
      size_t width = style_.min_width;
      for (; at < to && has_cell(at, column); ++at) {
        width = std::max(width, text_width(lines_[at][column]) + style_.padding);
      }
      widths_.push_back(width);
      format(from, at);
      widths_.pop_back();
      from = at;
    }
    write(from, to);
  }

  void write(size_t from, size_t to) {
    for (size_t at = from; at < to; ++at) {
      for (size_t i = 0; i < lines_[at].size(); ++i) {
        out_ += lines_[at][i];
        if (i < widths_.size()) out_.append(widths_[i] - text_width(lines_[at][i]), ' ');
      }
      if (at + 1 < lines_.size()) out_ += '\n';
    }
  }

  std::span<const Line> lines_;
  TabStyle style_;
  std::vector<size_t> widths_;
  std::string out_;
};

}  // namespace

size_t text_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string align_tabs(std::string_view text, const TabStyle& style) {
  auto lines = read_lines(text);
  return Formatter(lines, style).run();
}

std::string RowPrinter::print(const std::vector<std::vector<std::string>>& rows) {
  for (const auto& row : rows) {
    if (widths_.size() < row.size()) widths_.resize(row.size(), table_tabs.min_width);
    for (size_t i = 0; i < row.size(); ++i) {
      widths_[i] = std::max(widths_[i], text_width(row[i]) + table_tabs.padding);
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths_[i] - text_width(row[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace hoplab::cmd::kubectl
