// Lists and watches.

#include <algorithm>
#include <random>

#include "runtime/base/base64.h"
#include "runtime/base/text.h"
#include "web/api_error.h"
#include "web/api_render.h"
#include "web/api_request.h"
#include "web/api_server.h"

namespace hoplab::web {

namespace {

/// A producer looks at least this often whether its client is still there.
constexpr Millis watch_tick{1'000};
constexpr size_t batch_bytes = size_t{64} << 10U;

/// Where the next page of a list starts. The revision stays that of the first page: a watch from it
/// repeats what changed meanwhile, and misses nothing.
struct Continuation {
  int64_t revision = 0;
  std::string after;  ///< Key of the last object already sent.

  [[nodiscard]] std::string text() const {
    return base64url_encode(dump_json({{"rv", revision}, {"start", after}}));
  }
  static Result<Continuation> parse(const std::string& text) {
    auto decoded = base64url_decode(text);
    auto json = decoded ? parse_json(*decoded) : Error(ErrorCode::bad_request, "");
    if (!json || int_or(*json, "rv") <= 0 || string_or(*json, "start").empty()) {
      return Error(ErrorCode::bad_request, "continue key is not valid");
    }
    return Continuation{int_or(*json, "rv"), string_or(*json, "start")};
  }
};

/// "namespace/name" in list order.
std::string list_key(const Json& object) {
  return api::namespace_of(object) + "/" + api::name_of(object);
}

/// Cuts a list to the page that was asked for.
Result<PageInfo> cut_page(Snapshot& list, const Query& query) {
  PageInfo page;
  page.revision = list.revision;
  if (const std::string text = query.get("continue"); !text.empty()) {
    HOP_TRY(Continuation from, Continuation::parse(text));
    page.revision = from.revision;
    auto begin = std::find_if(list.objects.begin(), list.objects.end(),
                              [&](const SharedJson& item) { return list_key(*item) > from.after; });
    list.objects.erase(list.objects.begin(), begin);
  }
  HOP_TRY(int64_t limit, read_number(query, "limit", 0));
  if (limit > 0 && list.objects.size() > static_cast<size_t>(limit)) {
    page.remaining = list.objects.size() - static_cast<size_t>(limit);
    list.objects.resize(static_cast<size_t>(limit));
    page.next = Continuation{page.revision, list_key(*list.objects.back())}.text();
  }
  return page;
}

/// A real server ends a watch without timeoutSeconds after 30 to 60 minutes, spread by chance.
int64_t default_watch_seconds() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_int_distribution<int64_t>(1800, 3600)(random);
}

struct WatchPlan {
  std::shared_ptr<Watch> watch;
  std::shared_ptr<EventRenderer> renderer;
  Millis lasts{0};
  bool bookmarks = false;
};

void run_watch(const WatchPlan& plan, BodyWriter& out) {
  const SteadyTime end = std::chrono::steady_clock::now() + plan.lasts;
  std::string batch;
  while (out.open()) {
    auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
    if (left <= Millis(0)) return;
    // What is there already goes out in one write.
    auto event = plan.watch->next(batch.empty() ? std::min(left, watch_tick) : Millis(0));
    if (event && *event) {
      if ((*event)->type != EventType::bookmark || plan.bookmarks) {
        batch += plan.renderer->line(**event);
      }
      if (batch.size() < batch_bytes) continue;
    }
    if (!batch.empty() && !out.write(batch)) return;
    batch.clear();
    if (event) continue;
    if (event.error().code() == ErrorCode::unavailable) return;  // Stopping: a clean end.
    out.write(EventRenderer::error_line(event.error()));
    return;
  }
}

}  // namespace

ApiServer::Answer ApiServer::list(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(Snapshot found, backend_.snapshot(*path.kind, read_selection(request, path)));
  HOP_TRY(PageInfo page, cut_page(found, request.query));
  HttpResponse response;
  response.body = wants_table(request)
                      ? render_table(*path.kind, found.objects, page,
                                     read_table_options(request, backend_.clock->wall()))
                      : render_list(*path.kind, found.objects, page);
  return response;
}

ApiServer::Answer ApiServer::watch(const HttpRequest& request, const ResourcePath& path) {
  if (request.query.flag("sendInitialEvents")) {
    return Error(ErrorCode::invalid,
                 "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless "
                 "the WatchList feature gate is enabled");
  }
  HOP_TRY(int64_t revision, read_number(request.query, "resourceVersion", 0));
  HOP_TRY(int64_t seconds, read_number(request.query, "timeoutSeconds", 0));
  HOP_TRY(std::unique_ptr<Watch> watch,
          backend_.source->watch(*path.kind, read_selection(request, path), revision));
  WatchPlan plan;
  plan.watch = std::move(watch);
  plan.lasts = std::chrono::seconds(
      std::min<int64_t>(seconds > 0 ? seconds : default_watch_seconds(), 86400));
  plan.bookmarks = request.query.flag("allowWatchBookmarks");
  plan.renderer = std::make_shared<EventRenderer>(
      *path.kind, wants_table(request), *backend_.clock,
      api::parse_include_object(request.query.get("includeObject")));
  HttpResponse response;
  response.stream = [plan](BodyWriter& out) { run_watch(plan, out); };
  return response;
}

}  // namespace hoplab::web
