#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

/// Certificates of a cluster, made by the program itself: ECDSA P-256, one CA per cluster. All
/// values are PEM text, no call does I/O except `write_cluster_pki`. Thread-safe. One certificate
/// takes well under a millisecond.
namespace hoplab::web {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

/// Who a certificate is for, in Kubernetes' terms: CN is the user, each O a group.
struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;     ///< Makes it a server certificate, too.
  std::vector<std::string> ip_addresses;  ///< Likewise. Text, IPv4 or IPv6.
  bool client = true;
};

/// A self-signed CA, valid for a year. Times start five minutes ago: clocks differ a little.
Result<KeyPair> make_ca(const std::string& common_name);
/// A certificate signed by `ca` (both parts of it are needed).
Result<KeyPair> issue_certificate(const KeyPair& ca, const CertificateRequest& request);
/// A P-256 key pair as {public key, private key}, for signing service account tokens.
Result<KeyPair> make_signing_key();

/// The API server's names: 127.0.0.1, localhost, `addresses` (its node's), the first service
/// address and kubernetes[.default[.svc[.cluster.local]]].
CertificateRequest api_server_request(const std::vector<std::string>& addresses,
                                      const std::string& service_address = "10.96.0.1");
/// A node: client `system:node:NAME` in group system:nodes and server of its kubelet endpoint.
CertificateRequest node_request(const std::string& name, const std::string& address);
/// Any other client, e.g. {"kubernetes-admin", {"system:masters"}}.
CertificateRequest client_request(const std::string& user, const std::vector<std::string>& groups);

/// One file of the PKI directory.
struct PkiFile {
  std::string name;  ///< Relative: "ca.crt", "nodes/k8s-w1.key".
  std::string text;
  unsigned mode = 0644;
};

struct ClusterPkiOptions {
  struct Node {
    std::string name;
    std::string address;
  };
  std::vector<Node> nodes;
  std::vector<std::string> server_addresses;  ///< Node addresses of the API server.
  std::string service_address = "10.96.0.1";
};

/// Everything a cluster needs, with kubeadm's file names: ca, apiserver, apiserver-kubelet-client,
/// admin, calico-node, kube-proxy, coredns (.crt and .key each), sa.pub, sa.key, and
/// nodes/NAME.crt, nodes/NAME.key. Keys have mode 0600.
Result<std::vector<PkiFile>> make_cluster_pki(const ClusterPkiOptions& options);
/// Writes them below `directory`, which is made (0755) with its "nodes" when missing.
Result<void> write_cluster_pki(const std::string& directory, const std::vector<PkiFile>& files);
/// Reads DIR/NAME.crt and DIR/NAME.key.
Result<KeyPair> load_key_pair(const std::string& directory, const std::string& name);

}  // namespace hoplab::web
