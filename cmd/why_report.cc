#include "cmd/why_report.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

size_t missing_in(const WhySection& section) {
  return static_cast<size_t>(
      std::count_if(section.items.begin(), section.items.end(),
                    [](const auto& item) { return !item.presence.present; }));
}

size_t items_in(const WhyReport& report) {
  size_t count = 0;
  for (const WhySection& section : report.sections) count += section.items.size();
  return count;
}

std::string mark_of(const Presence& presence, bool colour) {
  if (presence.present) return "present";
  return colour ? "\033[1;31mmissing\033[0m" : "missing";
}

void render_item(const WhyItem& item, bool colour, std::string& out) {
  out += str("  ", mark_of(item.presence, colour), "  ", item.command, "\n");
  out += str("           # ", item.reason, "\n");
  if (!item.presence.note.empty()) out += str("           # now: ", item.presence.note, "\n");
}

}  // namespace

size_t WhyReport::missing() const {
  size_t count = 0;
  for (const WhySection& section : sections) count += missing_in(section);
  return count;
}

std::string render_why(const WhyReport& report, bool colour) {
  std::string out = str(report.kind, " ", report.name, "\n");
  size_t width = 0;
  for (const auto& [label, value] : report.facts) width = std::max(width, label.size());
  for (const auto& [label, value] : report.facts) {
    out += str("  ", label, std::string(width - label.size() + 2, ' '), value, "\n");
  }
  for (const WhySection& section : report.sections) {
    out += str("\n", section.title, "\n");
    if (section.items.empty()) out += "  nothing\n";
    for (const WhyItem& item : section.items) render_item(item, colour, out);
  }
  const size_t missing = report.missing();
  const size_t all = items_in(report);
  if (all == 0) return out + "\nnothing in the kernels is there because of it alone\n";
  out += missing == 0 ? str("\nall ", all, " are present\n")
                      : str("\n", missing, " of ", all, " are missing\n");
  return out;
}

Json to_json(const WhyReport& report) {
  Json out = {{"kind", report.kind}, {"name", report.name}, {"missing", report.missing()}};
  out["facts"] = Json::array();
  for (const auto& [label, value] : report.facts) {
    out["facts"].push_back({{"name", label}, {"value", value}});
  }
  out["sections"] = Json::array();
  for (const WhySection& section : report.sections) {
    Json items = Json::array();
    for (const WhyItem& item : section.items) {
      Json one = {{"command", item.command},
                  {"reason", item.reason},
                  {"state", item.presence.present ? "present" : "missing"}};
      if (!item.presence.note.empty()) one["note"] = item.presence.note;
      items.push_back(std::move(one));
    }
    out["sections"].push_back(
        {{"title", section.title}, {"hosts", section.hosts}, {"items", std::move(items)}});
  }
  return out;
}

}  // namespace hoplab::cmd
