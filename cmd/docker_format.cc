#include "cmd/docker_format.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "cmd/kubectl_tabs.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

// text/tabwriter as docker's formatter opens it.
constexpr kubectl::TabStyle docker_tabs{10, 3};

/// \t and \n in a template stand for the characters.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 't' || text[i + 1] == 'n')) {
      out += text[++i] == 't' ? '\t' : '\n';
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string default_template(const std::vector<Column>& columns) {
  std::string out;
  for (const Column& column : columns) {
    out += str(out.empty() ? "" : "\t", "{{.", column.field, "}}");
  }
  return out;
}

Result<std::string> fill(const kubectl::GoTemplate& parsed, const std::vector<Json>& rows) {
  std::string out;
  for (const Json& row : rows) {
    auto line = parsed.print(row);
    if (!line) return Error(ErrorCode::invalid, "template: " + line.error().message());
    out += *line + "\n";
  }
  return out;
}

}  // namespace

Result<kubectl::GoTemplate> parse_format(std::string_view text) {
  auto parsed = kubectl::GoTemplate::parse(text, kubectl::TemplateFunctions::docker);
  if (parsed) return parsed;
  return Error(ErrorCode::invalid, "template parsing error: " + parsed.error().message());
}

std::string human_size(uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1000 && unit + 1 < units.size(); ++unit) size /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g%s", size, units[unit]);
  return text.data();
}

std::string human_duration(std::chrono::seconds age) {
  int64_t seconds = age.count();
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return str(seconds, " seconds");
  int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return str(minutes, " minutes");
  auto hours = static_cast<int64_t>(std::lround(static_cast<double>(seconds) / 3600));
  if (hours == 1) return "About an hour";
  if (hours < 48) return str(hours, " hours");
  const int64_t days = hours / 24;
  if (days < 14) return str(days, " days");
  if (days < 60) return str(days / 7, " weeks");
  if (days < 730) return str(days / 30, " months");
  return str(seconds / 3600 / 24 / 365, " years");
}

std::string created_since(std::string_view created, WallTime now) {
  auto time = parse_rfc3339(created);
  if (!time) return "N/A";
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - *time)) + " ago";
}

Result<std::string> print_rows(std::string_view format, const std::vector<Column>& columns,
                               const std::vector<Column>& all_columns,
                               const std::vector<Json>& rows) {
  if (format == "json") format = "{{json .}}";
  bool table = format.empty() || format.starts_with("table");
  std::string text = unescape(table ? trim(format.substr(format.empty() ? 0 : 5)) : format);
  if (table && text.empty()) text = default_template(columns);
  HOP_TRY(const kubectl::GoTemplate parsed, parse_format(text));
  if (!table) return fill(parsed, rows);
  Json headings = Json::object();
  for (const Column& column : all_columns) headings[std::string(column.field)] = column.heading;
  std::vector<Json> all{std::move(headings)};
  all.insert(all.end(), rows.begin(), rows.end());
  HOP_TRY(std::string lines, fill(parsed, all));
  return kubectl::align_tabs(lines, docker_tabs);
}

}  // namespace hoplab::cmd::docker
