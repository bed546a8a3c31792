#include "cmd/kubectl_watch.h"

#include <iostream>

#include "runtime/base/text.h"
#include "web/api_error.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr Millis watch_tick{60'000};

class TargetWatch {
 public:
  TargetWatch(Session& session, const OutputFormat& format, TableStyle style)
      : session_(session), format_(format), printer_(std::move(style)) {}

  Result<int> run(const Target& target) {
    // A name is watched as the list of that one object.
    query_ = selection_query(session_);
    if (!target.name.empty()) query_.add("fieldSelector", "metadata.name=" + target.name);
    const bool all = session_.flags.on("all-namespaces");
    path_ = target_path(session_, {target.kind, ""}, all);
    HOP_TRY(Json first, read(path_ + "?" + query_.text()));
    if (!target.name.empty() && rows_of(first).empty()) {
      HOP_TRY(Json missing, session_.client->request("GET", target_path(session_, target, all)));
    }
    if (!session_.flags.on("watch-only")) HOP_CHECK(show_first(first));
    return follow(string_or(member(first, "metadata"), "resourceVersion"));
  }

 private:
  Result<Json> read(const std::string& target) {
    return format_.is_table() ? session_.client->get_table(target)
                              : session_.client->request("GET", target);
  }

  const Json& rows_of(const Json& answer) const {
    return member(answer, format_.is_table() ? "rows" : "items");
  }

  Result<void> show_first(const Json& first) {
    if (format_.is_table()) {
      std::cout << printer_.print(first, "ADDED") << std::flush;
      return {};
    }
    for (const Json& item : rows_of(first)) HOP_CHECK(show_object(item, "ADDED"));
    return {};
  }

  Result<void> show_object(const Json& object, const std::string& event) {
    const bool with_event = session_.flags.on("output-watch-events");
    const Json shown = with_event ? Json{{"type", event}, {"object", object}} : object;
    HOP_TRY(std::string text, format_.print(shown));
    if (format_.form() == OutputFormat::Form::yaml && printed_++ > 0) std::cout << "---\n";
    std::cout << text << std::flush;
    return {};
  }

  Result<int> follow(const std::string& revision) {
    query_.add("watch", "true");
    query_.add("resourceVersion", revision);
    HOP_TRY(auto body,
            session_.client->open_stream(path_ + "?" + query_.text(), format_.is_table()));
    web::LineStream lines(std::move(body));
    for (;;) {
      auto line = lines.next(watch_tick);
      if (!line && line.error().code() == ErrorCode::unavailable) return exit_ok;
      if (!line) return std::move(line).error();
      if (!*line) continue;
      HOP_TRY(Json event, parse_json(**line));
      const std::string type = string_or(event, "type");
      const Json& object = member(event, "object");
      if (type == "ERROR") return web::error_from_status(object, 500);
      if (type == "BOOKMARK") continue;
      if (format_.is_table()) {
        std::cout << printer_.print(object, type) << std::flush;
      } else {
        HOP_CHECK(show_object(object, type));
      }
      if (!std::cout) return exit_ok;  // Whoever reads us has gone.
    }
  }

  Session& session_;
  const OutputFormat& format_;
  TablePrinter printer_;
  web::Query query_;
  std::string path_;
  size_t printed_ = 0;
};

}  // namespace

Result<int> watch_target(Session& session, const Target& target, const OutputFormat& format,
                         TableStyle style) {
  return TargetWatch(session, format, std::move(style)).run(target);
}

}  // namespace hoplab::cmd::kubectl
