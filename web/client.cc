#include "web/client.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "web/api_error.h"

namespace hoplab::web {

namespace {

constexpr char table_types[] = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
constexpr size_t max_line = size_t{64} << 20U;

HttpRequest make_request(const std::string& method, const std::string& target) {
  HttpRequest request;
  request.method = method;
  request.target = target;
  request.path = target.substr(0, target.find('?'));
  request.headers.emplace("Accept", "application/json");
  request.headers.emplace("User-Agent", "hoplab/" HOPLAB_VERSION);
  return request;
}

HttpRequest with_body(HttpRequest request, const Json& body, const std::string& content_type) {
  if (body.is_null()) return request;
  request.body = dump_json(body);
  request.headers.emplace("Content-Type", content_type);
  return request;
}

std::string with_query(const std::string& path, const Query& query) {
  std::string text = query.text();
  return text.empty() ? path : path + "?" + text;
}

Query selection_query(const Selection& selection) {
  Query query;
  if (!selection.label_selector.empty()) query.add("labelSelector", selection.label_selector);
  if (!selection.field_selector.empty()) query.add("fieldSelector", selection.field_selector);
  return query;
}

Query write_query(const WriteOptions& options) {
  Query query;
  if (options.dry_run) query.add("dryRun", "All");
  if (options.strict) query.add("fieldValidation", "Strict");
  if (!options.field_manager.empty()) query.add("fieldManager", options.field_manager);
  return query;
}

std::string subresource_path(Subresource subresource) {
  return subresource == Subresource::status ? "/status" : "";
}

Error error_of_body(int status, const std::string& body) {
  auto parsed = parse_json(body);
  return error_from_status(parsed ? *parsed : Json(body.substr(0, 200)), status);
}

class RemoteWatch final : public Watch {
 public:
  explicit RemoteWatch(std::unique_ptr<ResponseStream> body) : lines_(std::move(body)) {}

  Result<std::optional<WatchEvent>> next(Millis timeout) override {
    HOP_TRY(auto line, lines_.next(timeout));
    if (!line) return std::optional<WatchEvent>();
    HOP_TRY(Json message, parse_json(*line).context("a watch event"));
    WatchEvent event;
    const std::string type = string_or(message, "type");
    if (type == "ERROR") return error_from_status(member(message, "object"), 500);
    event.type = type == "ADDED"      ? EventType::added
                 : type == "MODIFIED" ? EventType::modified
                 : type == "DELETED"  ? EventType::deleted
                                      : EventType::bookmark;
    if (!message.is_object() || !message.contains("object")) {
      return Error(ErrorCode::unavailable, "a watch event without an object");
    }
    event.object = std::move(message["object"]);
    event.revision = api::revision_of(event.object);
    return std::optional<WatchEvent>(std::move(event));
  }
  void stop() override { lines_.stop(); }

 private:
  LineStream lines_;
};

}  // namespace

Result<std::optional<std::string>> LineStream::next(Millis timeout) {
  const SteadyTime end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    auto newline = buffer_.find('\n', searched_);
    if (newline != std::string::npos) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      if (buffer_.empty()) buffer_.shrink_to_fit();
      searched_ = 0;
      if (line.empty()) continue;
      return std::optional<std::string>(std::move(line));
    }
    searched_ = buffer_.size();
    if (buffer_.size() > max_line) return Error(ErrorCode::too_large, "an endless line");
    char data[8192];
    auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
    auto got = body_->read_some(data, sizeof data, std::max(Millis(0), left));
    if (!got) {
      if (got.error().code() == ErrorCode::timed_out) return std::optional<std::string>();
      return std::move(got).error();
    }
    if (*got == 0) return Error(ErrorCode::unavailable, "the stream has ended");
    buffer_.append(data, *got);
  }
}

Result<std::unique_ptr<Client>> Client::open(const ClientConfig& config) {
  HOP_TRY(HttpTarget target, target_of(config));
  return std::unique_ptr<Client>(new Client(config, std::move(target)));
}

std::string Client::path_of(const api::Kind& kind, const std::string& namespace_name,
                            const std::string& name) {
  std::string path = kind.group.empty() ? "/api/" : "/apis/" + std::string(kind.group) + "/";
  path += kind.version;
  if (kind.namespaced && !namespace_name.empty()) {
    path += "/namespaces/" + url_encode(namespace_name);
  }
  path += "/" + std::string(kind.plural);
  if (!name.empty()) path += "/" + url_encode(name);
  return path;
}

Result<Json> Client::ask(const HttpRequest& request, std::vector<std::string>* warnings) {
  HOP_TRY(HttpResponse response, http_.send(request));
  if (warnings != nullptr) {
    auto [first, last] = response.headers.equal_range("Warning");
    for (; first != last; ++first) {
      if (auto text = read_warning(first->second)) warnings->push_back(*std::move(text));
    }
  }
  if (response.status >= 300) return error_of_body(response.status, response.body);
  return parse_json(response.body)
      .context("the answer to " + request.method + " " + request.target);
}

Result<Json> Client::request(const std::string& method, const std::string& target, const Json& body,
                             const std::string& content_type) {
  return ask(with_body(make_request(method, target), body, content_type));
}

Result<Json> Client::write(const std::string& method, const std::string& target, const Json& body,
                           const WriteOptions& options, const std::string& content_type) {
  const std::string whole = with_query(target, write_query(options));
  return ask(with_body(make_request(method, whole), body, content_type), options.warnings);
}

Result<Json> Client::get_table(const std::string& target) {
  HttpRequest request = make_request("GET", target);
  request.headers.find("Accept")->second = table_types;
  return ask(request);
}

Result<std::string> Client::get_text(const std::string& target) {
  HttpRequest request = make_request("GET", target);
  request.headers.find("Accept")->second = "*/*";
  HOP_TRY(HttpResponse response, http_.send(request));
  if (response.status >= 300) return error_of_body(response.status, response.body);
  return std::move(response.body);
}

Result<std::unique_ptr<ResponseStream>> Client::open_stream(const std::string& target, bool table) {
  HttpRequest request = make_request("GET", target);
  request.headers.find("Accept")->second = table ? table_types : "application/json, */*";
  HOP_TRY(auto stream, http_.stream(request));
  if (stream->head().status < 300) return stream;
  HOP_TRY(std::string body, stream->read_all(size_t{1} << 20U, http_.target().response_timeout));
  return error_of_body(stream->head().status, body);
}

Result<std::unique_ptr<ResponseStream>> Client::open_upgrade(const std::string& target,
                                                             const Headers& headers) {
  HttpRequest request = make_request("POST", target);
  request.headers.insert(headers.begin(), headers.end());
  HOP_TRY(auto stream, http_.stream(request));
  if (stream->head().status == 101) return stream;
  HOP_TRY(std::string body, stream->read_all(size_t{1} << 20U, http_.target().response_timeout));
  return error_of_body(stream->head().status, body);
}

Result<Json> Client::get(const api::Kind& kind, const std::string& namespace_name,
                         const std::string& name) {
  return request("GET", path_of(kind, namespace_name, name));
}

Result<ObjectList> Client::list(const api::Kind& kind, const Selection& selection) {
  HOP_TRY(Json answer, request("GET", with_query(path_of(kind, selection.namespace_name),
                                                 selection_query(selection))));
  ObjectList list;
  list.revision = api::revision_of(answer);
  if (!member(answer, "items").is_array()) {
    return Error(ErrorCode::unavailable, "the server's list has no items");
  }
  list.items = std::move(answer["items"].get_ref<Json::array_t&>());
  for (Json& item : list.items) {
    if (!item.is_object()) return Error(ErrorCode::unavailable, "the server's list is broken");
    if (!item.contains("kind")) item["kind"] = kind.kind;
    if (!item.contains("apiVersion")) item["apiVersion"] = kind.api_version();
  }
  return list;
}

Result<std::unique_ptr<Watch>> Client::watch(const api::Kind& kind, const Selection& selection,
                                             int64_t revision) {
  Query query = selection_query(selection);
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  query.add("resourceVersion", std::to_string(revision));
  HOP_TRY(auto body, open_stream(with_query(path_of(kind, selection.namespace_name), query)));
  return std::make_unique<RemoteWatch>(std::move(body));
}

Result<Json> Client::create(const api::Kind& kind, const std::string& namespace_name, Json object,
                            const WriteOptions& options) {
  return write("POST", path_of(kind, namespace_name), object, options);
}

Result<Json> Client::update(const api::Kind& kind, const std::string& namespace_name,
                            const std::string& name, Json object, Subresource subresource,
                            const WriteOptions& options) {
  std::string path = path_of(kind, namespace_name, name) + subresource_path(subresource);
  return write("PUT", path, object, options);
}

Result<Json> Client::patch(const api::Kind& kind, const std::string& namespace_name,
                           const std::string& name, PatchType type, const Json& patch,
                           Subresource subresource, const WriteOptions& options) {
  std::string path = path_of(kind, namespace_name, name) + subresource_path(subresource);
  const char* media = type == PatchType::json    ? "application/json-patch+json"
                      : type == PatchType::merge ? "application/merge-patch+json"
                                                 : "application/strategic-merge-patch+json";
  return write("PATCH", path, patch, options, media);
}

Result<Deletion> Client::remove(const api::Kind& kind, const std::string& namespace_name,
                                const std::string& name, const DeleteOptions& options) {
  Json body = {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (options.grace_seconds) body["gracePeriodSeconds"] = *options.grace_seconds;
  body["propagationPolicy"] = options.propagation == Propagation::background   ? "Background"
                              : options.propagation == Propagation::foreground ? "Foreground"
                                                                               : "Orphan";
  if (!options.precondition_uid.empty()) body["preconditions"]["uid"] = options.precondition_uid;
  if (options.dry_run) body["dryRun"] = {"All"};
  HOP_TRY(Json answer, request("DELETE", path_of(kind, namespace_name, name), body));
  Deletion deletion;
  if (string_or(answer, "kind") != "Status") {
    deletion.object = std::move(answer);
    return deletion;
  }
  deletion.gone = true;
  deletion.object = {{"metadata", {{"name", name}, {"uid", at_path(answer, "details.uid")}}}};
  if (kind.namespaced) deletion.object["metadata"]["namespace"] = namespace_name;
  return deletion;
}

}  // namespace hoplab::web
