#include "web/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace hoplab::web {

namespace {

BioPtr memory_bio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

Error openssl_error(std::string_view what, ErrorCode code) {
  std::string message(what);
  unsigned long number = ERR_get_error();
  const char* reason = number != 0 ? ERR_reason_error_string(number) : nullptr;
  ERR_clear_error();
  return {code, message + ": " + (reason != nullptr ? reason : "OpenSSL failed")};
}

Result<X509Ptr> read_certificate(std::string_view pem) {
  BioPtr bio = memory_bio(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("reading a certificate in PEM", ErrorCode::invalid);
  return certificate;
}

Result<KeyPtr> read_private_key(std::string_view pem) {
  BioPtr bio = memory_bio(pem);
  // The empty password keeps OpenSSL from asking on the terminal.
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, const_cast<char*>("")));
  if (!key) return openssl_error("reading a private key in PEM", ErrorCode::invalid);
  return key;
}

Result<KeyPtr> read_public_key(std::string_view pem) {
  BioPtr bio = memory_bio(pem);
  KeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return openssl_error("reading a public key in PEM", ErrorCode::invalid);
  return key;
}

}  // namespace hoplab::web
