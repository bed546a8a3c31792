#include "web/tls.h"

#include <openssl/x509v3.h>

#include <csignal>

#include "web/openssl.h"

namespace hoplab::web {

namespace {

/// HTTP/1.1 is all we speak; without an answer Go's client might pick HTTP/2.
int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                  unsigned in_size, void*) {
  static constexpr unsigned char http11[] = "\x08http/1.1";
  auto** chosen = const_cast<unsigned char**>(out);
  int found = SSL_select_next_proto(chosen, out_size, http11, sizeof http11 - 1, in, in_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// The handshake goes on with any certificate; SSL_get_verify_result() still knows what was wrong.
int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

}  // namespace

Result<void> TlsContext::trust(ssl_ctx_st* context, bool server, const std::string& ca_pem) {
  HOP_TRY(X509Ptr ca, read_certificate(ca_pem).context("the CA"));
  if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1) {
    return openssl_error("trusting the CA");
  }
  // Reads the extensions now: else the first handshake of many threads does it, published without a
  // lock, which TSan must take for a race.
  X509_check_purpose(ca.get(), -1, 0);
  if (server && SSL_CTX_add_client_CA(context, ca.get()) != 1) {
    return openssl_error("naming the CA to clients");
  }
  return {};
}

Result<TlsContext> TlsContext::make(bool server, const std::string& ca_pem, const KeyPair& own) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()),
                                   SSL_CTX_free);
  if (!context) return openssl_error("making a TLS context");
  // OpenSSL writes with write(2): a peer that is gone must be an error, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT: also in children, which reset it themselves
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // RELEASE_BUFFERS: an idle connection gives its 34 kB of record buffers back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!ca_pem.empty()) HOP_CHECK(trust(context.get(), server, ca_pem));
  if (!own.certificate_pem.empty()) {
    HOP_TRY(X509Ptr certificate, read_certificate(own.certificate_pem));
    HOP_TRY(KeyPtr key, read_private_key(own.key_pem));
    if (SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
      return openssl_error("using our own certificate", ErrorCode::invalid);
    }
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return TlsContext(std::move(context));
}

Result<TlsContext> TlsContext::server(const std::string& ca_pem, const KeyPair& own) {
  HOP_TRY(TlsContext made, make(true, ca_pem, own));
  // As Kubernetes' API server: who shows a certificate that does not hold gets 401 with a text,
  // not a broken connection.
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, accept_any);
  static constexpr unsigned char session_id[] = "hoplab";
  // Without an id, resuming a session with a client certificate fails the handshake.
  SSL_CTX_set_session_id_context(made.get(), session_id, sizeof session_id - 1);
  // Resuming works by tickets; a cache would keep every client's certificate for five minutes.
  SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(made.get(), 1);
  SSL_CTX_set_alpn_select_cb(made.get(), choose_http11, nullptr);
  return made;
}

Result<TlsContext> TlsContext::client(const std::string& ca_pem, const KeyPair& own) {
  if (ca_pem.empty()) return Error(ErrorCode::invalid, "a TLS client needs a CA to trust");
  return make(false, ca_pem, own);
}

Result<TlsContext> TlsContext::client_of_anyone() {
  HOP_TRY(TlsContext made, make(false, "", {}));
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
  return made;
}

}  // namespace hoplab::web
