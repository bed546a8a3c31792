#include "web/pki.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "runtime/base/fd.h"
#include "web/openssl.h"

namespace hoplab::web {

namespace {

constexpr long clock_slack_seconds = 300;
constexpr long lifetime_seconds = 365L * 86400;

std::string text_of(const BioPtr& bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

Result<std::string> private_pem(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("writing a private key");
  }
  return text_of(bio);
}

Result<std::string> certificate_pem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return openssl_error("writing a certificate");
  }
  return text_of(bio);
}

bool add_name(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str());
  if (extension == nullptr) return false;
  bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

std::string alternative_names(const CertificateRequest& request) {
  std::string out;
  for (const auto& name : request.dns_names) out += (out.empty() ? "DNS:" : ",DNS:") + name;
  for (const auto& ip : request.ip_addresses) out += (out.empty() ? "IP:" : ",IP:") + ip;
  return out;
}

bool add_leaf_extensions(X509* certificate, X509V3_CTX* context,
                         const CertificateRequest& request) {
  std::string names = alternative_names(request);
  std::string usage = request.client ? "clientAuth" : "";
  if (!names.empty()) usage += usage.empty() ? "serverAuth" : ",serverAuth";
  return add_extension(certificate, context, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, context, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, context, NID_authority_key_identifier, "keyid") &&
         add_extension(certificate, context, NID_ext_key_usage, usage) &&
         (names.empty() || add_extension(certificate, context, NID_subject_alt_name, names));
}

bool set_validity_and_serial(X509* certificate) {
  uint64_t serial = 0;
  return RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1 &&
         X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -clock_slack_seconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime_seconds) != nullptr;
}

struct Issuer {
  X509Ptr certificate;
  KeyPtr key;
};

Result<KeyPair> make_certificate(const CertificateRequest& request, const Issuer* issuer) {
  const std::string what = "making the certificate of \"" + request.common_name + "\"";
  KeyPtr key(EVP_EC_gen("P-256"));
  X509Ptr certificate(X509_new());
  if (!key || !certificate || !set_validity_and_serial(certificate.get()) ||
      X509_set_pubkey(certificate.get(), key.get()) != 1) {
    return openssl_error(what);
  }
  X509_NAME* name = X509_get_subject_name(certificate.get());
  bool ok = true;
  for (const auto& group : request.organizations) ok = ok && add_name(name, "O", group);
  ok = ok && add_name(name, "CN", request.common_name);
  X509* by = issuer != nullptr ? issuer->certificate.get() : certificate.get();
  ok = ok && X509_set_issuer_name(certificate.get(), X509_get_subject_name(by)) == 1;
  X509V3_CTX context;
  X509V3_set_ctx(&context, by, certificate.get(), nullptr, nullptr, 0);
  ok = ok && add_extension(certificate.get(), &context, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) {
    ok = ok && add_leaf_extensions(certificate.get(), &context, request);
  } else {
    ok = ok &&
         add_extension(certificate.get(), &context, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate.get(), &context, NID_key_usage,
                       "critical,digitalSignature,keyCertSign,cRLSign");
  }
  EVP_PKEY* signer = issuer != nullptr ? issuer->key.get() : key.get();
  if (!ok || X509_sign(certificate.get(), signer, EVP_sha256()) == 0) return openssl_error(what);
  KeyPair pair;
  HOP_TRY(pair.certificate_pem, certificate_pem(certificate.get()));
  HOP_TRY(pair.key_pem, private_pem(key.get()));
  return pair;
}

Result<void> make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return Error::from_errno(errno, "making the directory " + path);
}

}  // namespace

Result<KeyPair> make_ca(const std::string& common_name) {
  CertificateRequest request;
  request.common_name = common_name;
  return make_certificate(request, nullptr);
}

Result<KeyPair> issue_certificate(const KeyPair& ca, const CertificateRequest& request) {
  Issuer issuer;
  HOP_TRY(issuer.certificate, read_certificate(ca.certificate_pem));
  HOP_TRY(issuer.key, read_private_key(ca.key_pem));
  return make_certificate(request, &issuer);
}

Result<KeyPair> make_signing_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("making a signing key");
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) {
    return openssl_error("writing a public key");
  }
  KeyPair pair;
  pair.certificate_pem = text_of(bio);
  HOP_TRY(pair.key_pem, private_pem(key.get()));
  return pair;
}

CertificateRequest api_server_request(const std::vector<std::string>& addresses,
                                      const std::string& service_address) {
  CertificateRequest request;
  request.common_name = "kube-apiserver";
  request.client = false;
  request.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                       "kubernetes.default.svc.cluster.local"};
  request.ip_addresses = {"127.0.0.1", service_address};
  request.ip_addresses.insert(request.ip_addresses.end(), addresses.begin(), addresses.end());
  return request;
}

CertificateRequest node_request(const std::string& name, const std::string& address) {
  CertificateRequest request = client_request("system:node:" + name, {"system:nodes"});
  request.dns_names = {name};
  request.ip_addresses = {address};
  return request;
}

CertificateRequest client_request(const std::string& user, const std::vector<std::string>& groups) {
  CertificateRequest request;
  request.common_name = user;
  request.organizations = groups;
  return request;
}

Result<std::vector<PkiFile>> make_cluster_pki(const ClusterPkiOptions& options) {
  std::vector<PkiFile> files;
  auto add = [&files](const std::string& name, const KeyPair& pair) {
    files.push_back({name + ".crt", pair.certificate_pem, 0644});
    files.push_back({name + ".key", pair.key_pem, 0600});
  };
  HOP_TRY(KeyPair ca, make_ca("kubernetes"));
  add("ca", ca);
  std::vector<std::pair<std::string, CertificateRequest>> requests{
      {"apiserver", api_server_request(options.server_addresses, options.service_address)},
      {"apiserver-kubelet-client",
       client_request("kube-apiserver-kubelet-client", {"system:masters"})},
      {"admin", client_request("kubernetes-admin", {"system:masters"})},
      {"calico-node", client_request("system:calico-node", {"system:nodes"})},
      {"kube-proxy", client_request("system:kube-proxy", {"system:node-proxier"})},
      {"coredns", client_request("system:coredns", {})}};
  for (const auto& node : options.nodes) {
    requests.emplace_back("nodes/" + node.name, node_request(node.name, node.address));
  }
  for (const auto& [name, request] : requests) {
    HOP_TRY(KeyPair pair, issue_certificate(ca, request));
    add(name, pair);
  }
  HOP_TRY(KeyPair signing, make_signing_key());
  files.push_back({"sa.pub", signing.certificate_pem, 0644});
  files.push_back({"sa.key", signing.key_pem, 0600});
  return files;
}

Result<void> write_cluster_pki(const std::string& directory, const std::vector<PkiFile>& files) {
  HOP_CHECK(make_directory(directory));
  HOP_CHECK(make_directory(directory + "/nodes"));
  for (const auto& file : files) {
    HOP_CHECK(replace_file(directory + "/" + file.name, file.text, file.mode));
  }
  return {};
}

Result<KeyPair> load_key_pair(const std::string& directory, const std::string& name) {
  KeyPair pair;
  HOP_TRY(pair.certificate_pem, read_file(directory + "/" + name + ".crt"));
  HOP_TRY(pair.key_pem, read_file(directory + "/" + name + ".key"));
  return pair;
}

}  // namespace hoplab::web
