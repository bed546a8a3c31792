#include <ctime>

#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_merge.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_tabs.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr size_t longest_annotation = 140;

std::string shortened(std::string_view text) {
  constexpr size_t most = longest_annotation - 2;
  return text.size() > most ? str(text.substr(0, most), "...") : std::string(text);
}

std::string annotation_text(const std::string& key, std::string value) {
  if (value.ends_with('\n')) value.pop_back();
  if (value.size() + key.size() + 2 <= longest_annotation &&
      value.find('\n') == std::string::npos) {
    return str(key, ": ", value, "\n");
  }
  std::string out = key + ":\n";
  for (std::string_view line : split(value, '\n')) out += "\t  " + shortened(line) + "\n";
  return out;
}

std::string event_age(const Json& event, WallTime now) {
  const Json& made = member(event, "eventTime");
  const Json& first = made.is_string() ? made : member(event, "firstTimestamp");
  const int64_t count = int_or(event, "count", 1);
  std::string since = api::human_age(first, now);
  if (count <= 1) return since;
  return str(api::human_age(member(event, "lastTimestamp"), now), " (x", count, " over ", since,
             ")");
}

}  // namespace

void DescribeText::map(std::string_view title, const Json& pairs) {
  text_ += str(title, ":\t");
  bool any = false;
  for (auto it = pairs.begin(); pairs.is_object() && it != pairs.end(); ++it) {
    text_ += str(any ? "\t" : "", it.key(), "=", go_text(*it), "\n");
    any = true;
  }
  if (!any) text_ += "<none>\n";
}

std::string DescribeText::aligned() const {
  return align_tabs(text_, describe_tabs);
}

std::string long_time(const Json& time) {
  auto parsed = time.is_string() ? parse_rfc3339(time.get<std::string>())
                                 : Error(ErrorCode::bad_request, "no time");
  if (!parsed) return "Mon, 01 Jan 0001 00:00:00 +0000";
  const time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(*parsed));
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S %z", &local);
  return text;
}

std::string controller_of(const Json& object) {
  const Json& owners = at_path(object, "metadata.ownerReferences");
  for (size_t i = 0; owners.is_array() && i < owners.size(); ++i) {
    if (bool_or(owners[i], "controller")) {
      return str(string_or(owners[i], "kind"), "/", string_or(owners[i], "name"));
    }
  }
  return {};
}

void describe_name(const DescribeInput& input, DescribeText& out) {
  out.line(0, "Name:\t", api::name_of(input.object));
  if (input.kind->namespaced) out.line(0, "Namespace:\t", api::namespace_of(input.object));
}

void describe_annotations(std::string_view title, const Json& annotations, DescribeText& out) {
  std::string text = str(title, ":\t");
  bool any = false;
  for (auto it = annotations.begin(); annotations.is_object() && it != annotations.end(); ++it) {
    if (it.key() == last_applied_key) continue;
    text += (any ? "\t" : "") + annotation_text(it.key(), go_text(*it));
    any = true;
  }
  out.add(any ? text : text + "<none>\n");
}

void describe_labels(const DescribeInput& input, DescribeText& out) {
  const Json& metadata = member(input.object, "metadata");
  out.map("Labels", member(metadata, "labels"));
  describe_annotations("Annotations", member(metadata, "annotations"), out);
}

void describe_events(const DescribeInput& input, DescribeText& out) {
  if (!input.show_events) return;
  if (input.events.empty()) return out.line(0, "Events:\t<none>");
  std::string text =
      "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n";
  for (const Json& event : input.events) {
    std::string source = string_or(member(event, "source"), "component");
    if (source.empty()) source = string_or(event, "reportingComponent");
    text += str("  ", string_or(event, "type"), "\t", string_or(event, "reason"), "\t",
                event_age(event, input.now), "\t", source, "\t", trim(string_or(event, "message")),
                "\n");
  }
  out.add(text);
}

std::string pod_counts(const std::vector<Json>& pods) {
  int running = 0;
  int waiting = 0;
  int succeeded = 0;
  int failed = 0;
  for (const Json& pod : pods) {
    const std::string phase = string_or(member(pod, "status"), "phase");
    running += phase == "Running" ? 1 : 0;
    waiting += phase == "Pending" ? 1 : 0;
    succeeded += phase == "Succeeded" ? 1 : 0;
    failed += phase == "Failed" ? 1 : 0;
  }
  return str(running, " Running / ", waiting, " Waiting / ", succeeded, " Succeeded / ", failed,
             " Failed");
}

}  // namespace hoplab::cmd::kubectl
