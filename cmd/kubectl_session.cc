// Which API server a command line goes to, and how it names objects.

#include <unistd.h>

#include <cstdlib>

#include "cmd/kubectl.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

/// The first file of KUBECONFIG that exists, as kubectl skips missing ones.
std::string kubeconfig_of_environment() {
  const char* paths = std::getenv("KUBECONFIG");
  if (paths == nullptr) return {};
  for (std::string_view path : split(paths, ':')) {
    if (!path.empty() && ::access(std::string(path).c_str(), F_OK) == 0) return std::string(path);
  }
  return {};
}

}  // namespace

Result<std::string> kubeconfig_path(const Session& session) {
  if (session.flags.given("kubeconfig")) return session.flags.get("kubeconfig");
  // A cluster that was chosen by name wins over the environment's; on a host there is only its own,
  // which HOPLAB_CLUSTER names, too.
  if (!session.invocation->cluster_chosen || !check_outside()) {
    if (std::string path = kubeconfig_of_environment(); !path.empty()) return path;
  }
  HOP_TRY(auto cluster, find_running_cluster(*session.invocation));
  return cluster.kubeconfig_of_api();
}

Result<void> connect(Session& session) {
  web::ClientConfig config;
  auto path = kubeconfig_path(session);
  if (!path && !session.flags.given("server")) return local_error(path.error().message());
  if (path) {
    auto loaded = web::load_kubeconfig(*path, session.flags.get("context"));
    if (!loaded) return local_error(loaded.error().message());
    config = *std::move(loaded);
  }
  if (session.flags.given("server")) config.server = session.flags.get("server");
  if (session.flags.given("token")) {
    config.bearer_token = session.flags.get("token");
    config.own = {};
  }
  if (!config.namespace_name.empty()) session.namespace_name = config.namespace_name;
  HOP_TRY(session.client, web::Client::open(config));
  return {};
}

std::string object_name(const api::Kind& kind, const std::string& name) {
  std::string out = to_lower(kind.kind);
  if (!kind.group.empty()) out += str(".", kind.group);
  return out + "/" + name;
}

std::string namespace_for(const Session& session, const api::Kind& kind) {
  return kind.namespaced ? session.namespace_name : std::string();
}

}  // namespace hoplab::cmd::kubectl
