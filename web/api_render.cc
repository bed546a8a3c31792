#include "web/api_render.h"

#include "runtime/base/text.h"
#include "web/api_error.h"

namespace hoplab::web {

namespace {

std::string_view type_name(EventType type) {
  switch (type) {
    case EventType::added:
      return "ADDED";
    case EventType::modified:
      return "MODIFIED";
    case EventType::deleted:
      return "DELETED";
    case EventType::bookmark:
      return "BOOKMARK";
  }
  return "ERROR";
}

std::string list_head(std::string_view kind, std::string_view api_version, const PageInfo& page) {
  Json metadata = {{"resourceVersion", std::to_string(page.revision)}};
  if (!page.next.empty()) {
    metadata["continue"] = page.next;
    metadata["remainingItemCount"] = page.remaining;
  }
  return str("{\"kind\":\"", kind, "\",\"apiVersion\":\"", api_version,
             "\",\"metadata\":", dump_json(metadata));
}

}  // namespace

std::string render_list(const api::Kind& kind, std::span<const SharedJson> items,
                        const PageInfo& page) {
  std::string out = list_head(str(kind.kind, "List"), kind.api_version(), page) + ",\"items\":[";
  for (const SharedJson& item : items) {
    if (out.back() != '[') out += ',';
    out += dump_json(*item);
  }
  return out + "]}\n";
}

std::string render_table(const api::Kind& kind, std::span<const SharedJson> items,
                         const PageInfo& page, const api::TableOptions& options) {
  std::string out = list_head("Table", "meta.k8s.io/v1", page) +
                    ",\"columnDefinitions\":" + dump_json(api::table_columns(kind)) + ",\"rows\":[";
  for (const SharedJson& item : items) {
    if (out.back() != '[') out += ',';
    out += dump_json(api::table_row(kind, *item, options));
  }
  return out + "]}\n";
}

EventRenderer::EventRenderer(const api::Kind& kind, bool table, const Clock& clock,
                             api::IncludeObject include)
    : kind_(kind), table_(table), clock_(clock), include_(include) {}

std::string EventRenderer::line(const WatchEvent& event) {
  std::string object;
  if (table_ && event.type != EventType::bookmark) {
    PageInfo page;
    page.revision = event.revision;
    // Only the first event of a watch names the columns.
    object = list_head("Table", "meta.k8s.io/v1", page) + ",\"columnDefinitions\":" +
             (columns_sent_ ? "null" : dump_json(api::table_columns(kind_))) + ",\"rows\":[" +
             dump_json(api::table_row(kind_, event.object, {include_, clock_.wall()})) + "]}";
    columns_sent_ = true;
  } else {
    object = dump_json(event.object);
  }
  return str("{\"type\":\"", type_name(event.type), "\",\"object\":", object, "}\n");
}

std::string EventRenderer::error_line(const Error& error) {
  return "{\"type\":\"ERROR\",\"object\":" + dump_json(status_json(error)) + "}\n";
}

}  // namespace hoplab::web
