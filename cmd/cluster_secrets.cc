#include "cmd/cluster_secrets.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "web/pki.h"

namespace hoplab::cmd {

namespace {

/// Roles run as pods on every node; the rest of the keys is the control plane's business.
bool goes_to_worker(std::string_view file, std::string_view worker) {
  for (std::string_view role : {"calico-node", "kube-proxy", "coredns"}) {
    if (file == str(role, ".crt") || file == str(role, ".key")) return true;
  }
  return file == "ca.crt" || file == str("nodes/", worker, ".crt") ||
         file == str("nodes/", worker, ".key");
}

std::string text_of(const std::vector<web::PkiFile>& files, std::string_view name) {
  auto it = std::find_if(files.begin(), files.end(),
                         [name](const web::PkiFile& file) { return file.name == name; });
  return it == files.end() ? std::string() : it->text;
}

}  // namespace

Result<ClusterSecrets> make_cluster_secrets(const plan::ClusterConfig& config) {
  const plan::HostConfig* master = config.control_plane();
  web::ClusterPkiOptions options;
  options.service_address = to_string(config.service_network.network() + 1);
  for (const auto& interface : master->interfaces) {
    options.server_addresses.push_back(to_string(interface.address.address()));
  }
  for (const auto& host : config.hosts) {
    if (host.is_node()) options.nodes.push_back({host.name, to_string(host.address())});
  }
  HOP_TRY(auto pki, web::make_cluster_pki(options));

  ClusterSecrets secrets;
  secrets.admin.ca_pem = text_of(pki, "ca.crt");
  secrets.admin.own = {text_of(pki, "admin.crt"), text_of(pki, "admin.key")};
  web::ClientConfig inside = secrets.admin;
  inside.server = str("https://", to_string(master->address()), ":", config.api_port);
  std::string kubeconfig = web::kubeconfig_text(config.name, inside);
  for (const auto& host : config.hosts) {
    auto& files = secrets.files[host.name];
    files.push_back({"kubeconfig", kubeconfig, 0600});
    for (const auto& file : pki) {
      bool wanted = &host == master || (host.is_node() && goes_to_worker(file.name, host.name));
      if (wanted) files.push_back({"pki/" + file.name, file.text, file.mode});
    }
  }
  return secrets;
}

}  // namespace hoplab::cmd
