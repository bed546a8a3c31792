#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

/// Owners of OpenSSL's objects and readers of PEM text. For web/*.cc only.
namespace hoplab::web {

template <auto Free>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;

/// An Error "<what>: <OpenSSL's reason>"; empties OpenSSL's queue of errors.
Error openssl_error(std::string_view what, ErrorCode code = ErrorCode::internal);

Result<X509Ptr> read_certificate(std::string_view pem);
Result<KeyPtr> read_private_key(std::string_view pem);
Result<KeyPtr> read_public_key(std::string_view pem);

}  // namespace hoplab::web
