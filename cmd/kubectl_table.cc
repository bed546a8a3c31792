#include "cmd/kubectl_table.h"

#include <algorithm>
#include <cctype>

#include "cmd/kubectl_output.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

/// Only the first line of a text fits into a cell.
std::string cell_text(const Json& cell) {
  std::string text = cell.is_string() ? cell.get<std::string>() : dump_json(cell);
  if (auto end = text.find_first_of("\n\r\f"); end != std::string::npos) {
    text = text.substr(0, end) + "...";
  }
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string labels_of(const Json& row) {
  const Json& labels = at_path(row, "object.metadata.labels");
  std::vector<std::string> out;
  for (auto it = labels.begin(); labels.is_object() && it != labels.end(); ++it) {
    out.push_back(it.key() + "=" + (it->is_string() ? it->get<std::string>() : dump_json(*it)));
  }
  return out.empty() ? "<none>" : join(out, ",");
}

bool value_less(const Json* a, const Json* b) {
  if (a == nullptr || b == nullptr) return a == nullptr && b != nullptr;
  if (a->is_string() && b->is_string()) {
    return natural_less(a->get_ref<const std::string&>(), b->get_ref<const std::string&>());
  }
  return *a < *b;
}

}  // namespace

std::vector<std::string> TablePrinter::header_row() const {
  std::vector<std::string> out;
  if (style_.show_events) out.emplace_back("EVENT");
  if (style_.with_namespace) out.emplace_back("NAMESPACE");
  for (const Json& column : columns_) {
    if (style_.wide || int_or(column, "priority") == 0) {
      out.push_back(upper(string_or(column, "name")));
    }
  }
  for (const std::string& label : style_.label_columns) {
    out.push_back(upper(label.substr(label.rfind('/') + 1)));
  }
  if (style_.show_labels) out.emplace_back("LABELS");
  return out;
}

std::vector<std::string> TablePrinter::cells_of(const Json& row, const std::string& event) const {
  std::vector<std::string> out;
  if (style_.show_events) out.push_back(event);
  if (style_.with_namespace) out.push_back(string_or(at_path(row, "object.metadata"), "namespace"));
  const Json& cells = member(row, "cells");
  bool first = true;
  for (size_t i = 0; cells.is_array() && i < cells.size() && i < columns_.size(); ++i) {
    if (!style_.wide && int_or(columns_[i], "priority") != 0) continue;
    out.push_back((first ? style_.name_prefix : "") + cell_text(cells[i]));
    first = false;
  }
  for (const std::string& label : style_.label_columns) {
    out.push_back(string_or(at_path(row, "object.metadata.labels"), label));
  }
  if (style_.show_labels) out.push_back(labels_of(row));
  return out;
}

std::string TablePrinter::print(const Json& table, const std::string& event) {
  const Json& columns = member(table, "columnDefinitions");
  if (columns.is_array() && !columns.empty()) columns_ = columns;
  std::vector<std::vector<std::string>> out;
  const Json& rows = member(table, "rows");
  if (!rows.is_array() || rows.empty()) return {};
  if (style_.headers && !headers_done_) out.push_back(header_row());
  headers_done_ = true;
  for (const Json& row : rows) out.push_back(cells_of(row, event));
  return rows_.print(out);
}

bool natural_less(std::string_view a, std::string_view b) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
      continue;
    }
    size_t i_end = i;
    size_t j_end = j;
    while (i_end < a.size() && is_digit(a[i_end])) ++i_end;
    while (j_end < b.size() && is_digit(b[j_end])) ++j_end;
    while (i + 1 < i_end && a[i] == '0') ++i;
    while (j + 1 < j_end && b[j] == '0') ++j;
    if (i_end - i != j_end - j) return i_end - i < j_end - j;
    int order = a.substr(i, i_end - i).compare(b.substr(j, j_end - j));
    if (order != 0) return order < 0;
    i = i_end;
    j = j_end;
  }
  return a.size() - i < b.size() - j;
}

Result<void> sort_rows(Json& table, const JsonPath& path, const std::string& shown) {
  Json& rows = table["rows"];
  if (!rows.is_array() || rows.empty()) return {};
  struct Keyed {
    Json key;
    bool found = false;
    Json row;
  };
  std::vector<Keyed> keyed;
  bool any = false;
  for (Json& row : rows) {
    auto values = path.find(member(row, "object"));
    Keyed one{values.empty() ? Json() : *values[0], !values.empty(), std::move(row)};
    any = any || one.found;
    keyed.push_back(std::move(one));
  }
  if (!any) {
    return Error(ErrorCode::unsupported,
                 str("couldn't find any field with path \"{", shown, "}\" in the list of objects"));
  }
  std::stable_sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return value_less(a.found ? &a.key : nullptr, b.found ? &b.key : nullptr);
  });
  rows = Json::array();
  for (Keyed& one : keyed) rows.push_back(std::move(one.row));
  return {};
}

}  // namespace hoplab::cmd::kubectl
