#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "web/http_server.h"

namespace hoplab::web {

/// The streams of a process in a container, as an agent's endpoint needs them. Used by one session
/// at a time; the destructor gives everything up (an exec'd process may be killed by it).
class ProcessStreams {
 public:
  ProcessStreams() = default;
  ProcessStreams(const ProcessStreams&) = delete;
  ProcessStreams& operator=(const ProcessStreams&) = delete;
  virtual ~ProcessStreams() = default;

  /// Descriptors, -1 for one that is not there. With a terminal, input and output are the same.
  [[nodiscard]] virtual int input() const = 0;
  [[nodiscard]] virtual int output() const = 0;
  [[nodiscard]] virtual int error() const = 0;
  [[nodiscard]] virtual bool tty() const = 0;
  /// Readable once the process has ended; -1 = unknown.
  [[nodiscard]] virtual int exit_fd() const = 0;
  virtual void close_input() = 0;
  virtual void resize(uint16_t rows, uint16_t columns) = 0;
  /// The exit code, once output has ended.
  virtual Result<int> wait(Millis timeout) = 0;
};

struct ContainerRef {
  std::string namespace_name;
  std::string pod;
  std::string container;
};

struct ExecRequest {
  ContainerRef container;
  std::vector<std::string> command;  ///< Empty for attach.
  bool input = false;
  bool output = false;
  bool error = false;
  bool tty = false;
};

struct LogRequest {
  ContainerRef container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  int64_t tail_lines = -1;  ///< -1 = all.
  int64_t limit_bytes = -1;
  int64_t since_seconds = -1;
  std::string since_time;  ///< RFC 3339.
};

/// What an agent does for its endpoint. Called from many threads.
class StreamBackend {
 public:
  StreamBackend() = default;
  StreamBackend(const StreamBackend&) = delete;
  StreamBackend& operator=(const StreamBackend&) = delete;
  virtual ~StreamBackend() = default;

  virtual Result<std::unique_ptr<ProcessStreams>> exec(const ExecRequest& request) = 0;
  virtual Result<std::unique_ptr<ProcessStreams>> attach(const ExecRequest& request) = 0;
  /// Checks, then returns what writes the log; with `follow` it asks BodyWriter::open() at least
  /// every two seconds.
  virtual Result<std::function<void(BodyWriter&)>> logs(const LogRequest& request) = 0;
  /// A connected socket to 127.0.0.1:port inside the pod.
  virtual Result<Fd> dial(const std::string& namespace_name, const std::string& pod,
                          uint16_t port) = 0;
};

/// The kubelet's streaming endpoint as the handler of an HttpServer on the node's port 10250:
///   POST|GET /exec/NS/POD/CONTAINER?command=…&input=1&output=1&error=1&tty=1
///   …        /attach/NS/POD/CONTAINER, /portForward/NS/POD
///   GET      /containerLogs/NS/POD/CONTAINER?follow=…, /healthz
/// over SPDY/3.1. Only the API server's client certificate (or any of group system:masters) may.
class StreamServer final : public HttpHandler {
 public:
  StreamServer(StreamBackend& backend, Log log) : backend_(backend), log_(std::move(log)) {}

  std::optional<HttpResponse> admit(HttpRequest& request) override;
  HttpResponse handle(const HttpRequest& request) override;
  std::optional<HttpResponse> upgrade(const HttpRequest& request, Connection& connection) override;
  HttpResponse refuse(const Error& error, int status) override;

 private:
  StreamBackend& backend_;
  Log log_;
};

}  // namespace hoplab::web
