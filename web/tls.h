#pragma once

#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "web/pki.h"

struct ssl_ctx_st;

namespace hoplab::web {

/// TLS settings shared by many connections; copies share one OpenSSL context. Thread-safe.
/// TLS 1.2 and newer only. Making one ignores SIGPIPE in the whole process: a child that is to run
/// somebody's program must reset it.
class TlsContext {
 public:
  /// A server that asks for a client certificate. A peer without one, or with one that our CA has
  /// not signed, that is over or is not for clients, stays anonymous.
  static Result<TlsContext> server(const std::string& ca_pem, const KeyPair& own);
  /// A client that trusts only `ca_pem`. With an empty key pair it shows no certificate.
  static Result<TlsContext> client(const std::string& ca_pem, const KeyPair& own);

  /// A client that takes any certificate: kubelet's probes, which ask whether a port answers and
  /// not who it is. Not for anything that is to stay secret.
  static Result<TlsContext> client_of_anyone();

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }

 private:
  explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  static Result<void> trust(ssl_ctx_st* context, bool server, const std::string& ca_pem);
  static Result<TlsContext> make(bool server, const std::string& ca_pem, const KeyPair& own);

  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace hoplab::web
