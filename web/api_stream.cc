// exec, attach, port-forward and log: the bytes go to and fro between the client and the pod's
// agent, which speaks the same protocols as a kubelet.

#include <thread>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "web/api_error.h"
#include "web/api_request.h"
#include "web/api_server.h"

namespace hoplab::web {

namespace {

constexpr Millis follow_tick{1'000};
constexpr Millis linger{1'000};

Result<std::string> node_address(Source& source, const std::string& node_name) {
  HOP_TRY(Json node, source.get(api::kind_of("Node"), "", node_name));
  const Json& addresses = at_path(node, "status.addresses");
  for (size_t i = 0; addresses.is_array() && i < addresses.size(); ++i) {
    if (string_or(addresses[i], "type") == "InternalIP") return string_or(addresses[i], "address");
  }
  return Error(ErrorCode::internal, "node " + node_name + " has no InternalIP address");
}

bool has_container(const Json& pod, const std::string& name) {
  for (const char* field : {"containers", "initContainers"}) {
    const Json& containers = member(member(pod, "spec"), field);
    for (size_t i = 0; containers.is_array() && i < containers.size(); ++i) {
      if (string_or(containers[i], "name") == name) return true;
    }
  }
  return false;
}

/// The container asked for, or the pod's only or annotated one.
Result<std::string> choose_container(const Json& pod, const std::string& asked) {
  const std::string name = api::name_of(pod);
  if (!asked.empty()) {
    if (has_container(pod, asked)) return asked;
    return Error(ErrorCode::bad_request, "container " + asked + " is not valid for pod " + name);
  }
  const std::string by_annotation =
      string_or(at_path(pod, "metadata.annotations"), "kubectl.kubernetes.io/default-container");
  if (!by_annotation.empty() && has_container(pod, by_annotation)) return by_annotation;
  const Json& containers = at_path(pod, "spec.containers");
  if (containers.is_array() && containers.size() == 1) return string_or(containers[0], "name");
  std::vector<std::string> names;
  for (size_t i = 0; containers.is_array() && i < containers.size(); ++i) {
    names.push_back(string_or(containers[i], "name"));
  }
  return Error(ErrorCode::bad_request, "a container name must be specified for pod " + name +
                                           ", choose one of: [" + join(names, " ") + "]");
}

/// A kubelet's names for exec's flags; everything else keeps its name.
Query kubelet_query(const Query& query) {
  Query out;
  for (const std::string& word : query.all("command")) out.add("command", word);
  if (query.flag("stdin")) out.add("input", "1");
  if (query.flag("stdout")) out.add("output", "1");
  if (query.flag("stderr")) out.add("error", "1");
  if (query.flag("tty")) out.add("tty", "1");
  return out;
}

Query log_query(const Query& query) {
  Query out;
  for (const char* name : {"follow", "previous", "timestamps", "tailLines", "limitBytes",
                           "sinceSeconds", "sinceTime"}) {
    if (query.has(name)) out.add(name, query.get(name));
  }
  return out;
}

/// Copies until one side ends; false when writing failed.
void pump(Connection& from, Connection& to) {
  char data[16384];
  for (;;) {
    auto got = from.read_some(data, sizeof data, forever);
    if (!got || *got == 0 || !to.write_all({data, *got})) return;
  }
}

void relay(Connection& client, Connection& agent) {
  // The client has gone: that ends the other direction as well.
  auto cut = [&agent] { agent.cut(); };
  auto upwards = start_thread("api-relay", cut, [&] {
    pump(client, agent);
    cut();
  });
  pump(agent, client);
  // The last frames are written; now let the client read them before anything is cut.
  client.finish(linger);
  client.cut();
  upwards.join();
}

/// To the client it is the server that failed, not the way to the server.
Error no_answer_of_agent(const Error& why) {
  return Error(ErrorCode::internal, "error dialing backend: " + why.message());
}

std::string head_text(const ResponseHead& head) {
  std::string out = str("HTTP/1.1 ", head.status, " Switching Protocols\r\n");
  for (const auto& [name, value] : head.headers) out += name + ": " + value + "\r\n";
  return out + "\r\n";
}

}  // namespace

Result<ApiServer::KubeletPath> ApiServer::kubelet_path(const HttpRequest& request,
                                                       const ResourcePath& path,
                                                       const std::string& action) {
  HOP_TRY(Json pod, backend_.source->get(*path.kind, path.namespace_name, path.name));
  std::string suffix = "/" + url_encode(path.namespace_name) + "/" + url_encode(path.name);
  if (action != "portForward") {
    HOP_TRY(std::string container, choose_container(pod, request.query.get("container")));
    suffix += "/" + url_encode(container);
  }
  const std::string node = string_or(member(pod, "spec"), "nodeName");
  if (node.empty()) {
    return Error(ErrorCode::bad_request, "pod " + path.name + " does not have a host assigned");
  }
  KubeletPath out;
  HOP_TRY(out.target.endpoint.host, node_address(*backend_.source, node));
  out.target.endpoint.port = options_.kubelet_port;
  out.target.tls = options_.kubelet_tls;
  out.path = "/" + action + suffix;
  return out;
}

ApiServer::Answer ApiServer::log_of_pod(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(KubeletPath to, kubelet_path(request, path, "containerLogs"));
  HttpRequest ask;
  ask.path = to.path;
  const std::string query = log_query(request.query).text();
  ask.target = to.path + (query.empty() ? "" : "?" + query);
  auto opened = HttpClient(to.target).stream(ask);
  if (!opened) return no_answer_of_agent(opened.error());
  std::shared_ptr<ResponseStream> stream = *std::move(opened);
  HttpResponse response;
  response.status = stream->head().status;
  response.content_type = header_of(stream->head().headers, "Content-Type");
  if (response.content_type.empty()) response.content_type = "text/plain";
  response.stream = [stream](BodyWriter& out) {
    char data[16384];
    while (out.open()) {
      auto got = stream->read_some(data, sizeof data, follow_tick);
      if (!got && got.error().code() == ErrorCode::timed_out) continue;
      if (!got || *got == 0 || !out.write({data, *got})) return;
    }
  };
  return response;
}

std::optional<HttpResponse> ApiServer::pass_through(const HttpRequest& request,
                                                    const ResourcePath& path, Connection& client) {
  const bool forward = path.subresource == "portforward";
  auto to = kubelet_path(request, path, forward ? "portForward" : path.subresource);
  if (!to) return refuse(to.error(), http_status(to.error()));
  HttpRequest ask;
  ask.method = "POST";
  ask.path = to->path;
  ask.target = to->path + "?" + (forward ? "" : kubelet_query(request.query).text());
  for (const auto& [name, value] : request.headers) {
    const std::string lower = to_lower(name);
    if (lower == "upgrade" || lower == "connection" || lower == "x-stream-protocol-version") {
      ask.headers.emplace(name, value);
    }
  }
  auto stream = HttpClient(to->target).stream(ask);
  if (!stream) {
    const Error error = no_answer_of_agent(stream.error());
    return refuse(error, http_status(error));
  }
  const ResponseHead& head = (*stream)->head();
  if (head.status != 101) {
    HttpResponse response;
    response.status = head.status;
    response.content_type = header_of(head.headers, "Content-Type");
    auto body = (*stream)->read_all(size_t{1} << 20U, Millis(10'000));
    if (body) response.body = std::move(*body);
    return response;
  }
  if (!client.write_all(head_text(head))) return std::nullopt;
  relay(client, *(*stream)->take_connection());
  return std::nullopt;
}

}  // namespace hoplab::web
