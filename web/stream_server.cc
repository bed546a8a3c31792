#include "web/stream_server.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "web/api_error.h"
#include "web/api_request.h"
#include "web/stream_session.h"

namespace hoplab::web {

namespace {

constexpr char process_protocol[] = "v4.channel.k8s.io";
constexpr char port_protocol[] = "portforward.k8s.io";

struct StreamPath {
  std::string action;
  ContainerRef container;
};

/// "/exec/NS/POD/CONTAINER"; portForward has no container.
std::optional<StreamPath> parse_stream_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  auto parts = split(path.substr(1), '/');
  if (parts.empty()) return std::nullopt;
  const size_t expected = parts[0] == "portForward" ? 3 : 4;
  if (parts.size() != expected ||
      std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); })) {
    return std::nullopt;
  }
  StreamPath out;
  out.action = parts[0];
  out.container.namespace_name = parts[1];
  out.container.pod = parts[2];
  if (expected == 4) out.container.container = parts[3];
  return out;
}

std::optional<HttpResponse> choose_protocol(const HttpRequest& request, const std::string& wanted) {
  if (to_lower(request.upgrade()) != "spdy/3.1") {
    return text_response(400, "unable to upgrade: only SPDY/3.1 is spoken here\n");
  }
  auto offered = header_values(request.headers, "X-Stream-Protocol-Version");
  if (std::find(offered.begin(), offered.end(), wanted) != offered.end()) return std::nullopt;
  return text_response(403, "unable to upgrade: unable to negotiate protocol: client supports [" +
                                join(offered, " ") + "], server accepts [" + wanted + "]\n");
}

bool switch_protocols(Connection& connection, const std::string& protocol) {
  return connection
      .write_all(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
          "X-Stream-Protocol-Version: " +
          protocol + "\r\n\r\n")
      .ok();
}

Result<LogRequest> read_log_request(const Query& query, const ContainerRef& container) {
  LogRequest out;
  out.container = container;
  out.follow = query.flag("follow");
  out.previous = query.flag("previous");
  out.timestamps = query.flag("timestamps");
  HOP_TRY(out.tail_lines, read_number(query, "tailLines", -1));
  HOP_TRY(out.limit_bytes, read_number(query, "limitBytes", -1));
  HOP_TRY(out.since_seconds, read_number(query, "sinceSeconds", -1));
  out.since_time = query.get("sinceTime");
  return out;
}

}  // namespace

HttpResponse StreamServer::refuse(const Error& error, int status) {
  Json body = status_json(error);
  body["code"] = status;
  return json_response(status, body);
}

std::optional<HttpResponse> StreamServer::admit(HttpRequest& request) {
  if (request.path == "/healthz") return std::nullopt;
  const Peer& peer = request.peer;
  if (peer.anonymous()) return refuse(Error(ErrorCode::unauthorized, "Unauthorized"), 401);
  const bool allowed =
      std::find(peer.groups.begin(), peer.groups.end(), "system:masters") != peer.groups.end();
  if (allowed) return std::nullopt;
  return refuse(Error(ErrorCode::forbidden, "user \"" + peer.user + "\" may not use the agent"),
                403);
}

HttpResponse StreamServer::handle(const HttpRequest& request) {
  if (request.path == "/healthz") return text_response(200, "ok");
  auto path = parse_stream_path(request.path);
  if (!path) return refuse(Error(ErrorCode::not_found, "no such path: " + request.path), 404);
  if (path->action != "containerLogs" || request.method != "GET") {
    return refuse(Error(ErrorCode::bad_request, "Upgrade request required"), 400);
  }
  auto wanted = read_log_request(request.query, path->container);
  if (!wanted) return refuse(wanted.error(), http_status(wanted.error()));
  auto logs = backend_.logs(*wanted);
  if (!logs) return refuse(logs.error(), http_status(logs.error()));
  HttpResponse response = text_response(200, "");
  response.stream = std::move(*logs);
  return response;
}

std::optional<HttpResponse> StreamServer::upgrade(const HttpRequest& request,
                                                  Connection& connection) {
  auto path = parse_stream_path(request.path);
  if (!path) return refuse(Error(ErrorCode::not_found, "no such path: " + request.path), 404);
  if (path->action == "portForward") {
    if (auto refused = choose_protocol(request, port_protocol)) return refused;
    if (!switch_protocols(connection, port_protocol)) return std::nullopt;
    run_port_session(connection, [&](uint16_t port) {
      return backend_.dial(path->container.namespace_name, path->container.pod, port);
    });
    return std::nullopt;
  }
  const bool attach = path->action == "attach";
  if (!attach && path->action != "exec") {
    return refuse(Error(ErrorCode::not_found, "no such path: " + request.path), 404);
  }
  ExecRequest wanted{path->container,
                     request.query.all("command"),
                     request.query.flag("input"),
                     request.query.flag("output"),
                     request.query.flag("error"),
                     request.query.flag("tty")};
  if (wanted.tty) wanted.error = false;  // A terminal has one output.
  if (!attach && wanted.command.empty()) {
    return refuse(Error(ErrorCode::bad_request, "exec needs a command"), 400);
  }
  if (auto refused = choose_protocol(request, process_protocol)) return refused;
  if (!switch_protocols(connection, process_protocol)) return std::nullopt;
  run_process_session(connection, wanted, attach,
                      [&] { return attach ? backend_.attach(wanted) : backend_.exec(wanted); });
  return std::nullopt;
}

}  // namespace hoplab::web
