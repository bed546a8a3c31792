#pragma once

#include <memory>
#include <string>

#include "store/source.h"
#include "web/http_client.h"
#include "web/kubeconfig.h"

namespace hoplab::web {

/// The text lines of a streaming answer, e.g. a Table watch of `kubectl get -w`. One reader thread;
/// stop() from any.
class LineStream {
 public:
  explicit LineStream(std::unique_ptr<ResponseStream> body) : body_(std::move(body)) {}
  /// The next line without its end; nullopt when the time is up. `unavailable` at the end of the
  /// stream and when it broke or was stopped.
  Result<std::optional<std::string>> next(Millis timeout);
  void stop() { body_->cut(); }

 private:
  std::unique_ptr<ResponseStream> body_;
  std::string buffer_;
  size_t searched_ = 0;
};

/// The API server as a `Source`: what agents, roles and the command line see the cluster through.
/// Thread-safe; makes no threads: each watch is one connection that the caller's thread reads.
/// Errors of the server arrive with their code, message and details; `unavailable` and `timed_out`
/// are the network's.
class Client final : public Source {
 public:
  static Result<std::unique_ptr<Client>> open(const ClientConfig& config);

  Result<Json> get(const api::Kind& kind, const std::string& namespace_name,
                   const std::string& name) override;
  Result<ObjectList> list(const api::Kind& kind, const Selection& selection) override;
  Result<std::unique_ptr<Watch>> watch(const api::Kind& kind, const Selection& selection,
                                       int64_t revision) override;
  Result<Json> create(const api::Kind& kind, const std::string& namespace_name, Json object,
                      const WriteOptions& options = {}) override;
  Result<Json> update(const api::Kind& kind, const std::string& namespace_name,
                      const std::string& name, Json object,
                      Subresource subresource = Subresource::none,
                      const WriteOptions& options = {}) override;
  Result<Json> patch(const api::Kind& kind, const std::string& namespace_name,
                     const std::string& name, PatchType type, const Json& patch,
                     Subresource subresource = Subresource::none,
                     const WriteOptions& options = {}) override;
  /// What is gone at once comes back with name and uid only.
  Result<Deletion> remove(const api::Kind& kind, const std::string& namespace_name,
                          const std::string& name, const DeleteOptions& options = {}) override;

  /// "/apis/apps/v1/namespaces/NS/deployments[/NAME]"; empty parts are left out.
  static std::string path_of(const api::Kind& kind, const std::string& namespace_name,
                             const std::string& name = "");
  /// Any request with a JSON answer. `target` is path and query.
  Result<Json> request(const std::string& method, const std::string& target, const Json& body = {},
                       const std::string& content_type = "application/json");
  /// GET that asks for the server's Table form, as `kubectl get` prints it.
  Result<Json> get_table(const std::string& target);
  /// GET whose body is not JSON (/healthz, a log that is not followed).
  Result<std::string> get_text(const std::string& target);
  /// GET whose answer is read while it comes: logs, Table watches (`table`).
  Result<std::unique_ptr<ResponseStream>> open_stream(const std::string& target,
                                                      bool table = false);
  /// Asks to change the protocol; the answer's connection is past its 101.
  Result<std::unique_ptr<ResponseStream>> open_upgrade(const std::string& target,
                                                       const Headers& headers);

  [[nodiscard]] const ClientConfig& config() const { return config_; }

 private:
  Client(ClientConfig config, HttpTarget target)
      : config_(std::move(config)), http_(std::move(target)) {}

  Result<Json> ask(const HttpRequest& request, std::vector<std::string>* warnings = nullptr);
  Result<Json> write(const std::string& method, const std::string& target, const Json& body,
                     const WriteOptions& options,
                     const std::string& content_type = "application/json");

  ClientConfig config_;
  HttpClient http_;
};

}  // namespace hoplab::web
