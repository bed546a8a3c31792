#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl_resources.h"

namespace hoplab::cmd::kubectl {

/// The pod that `web`, `pod/web`, `deploy/web`, `svc/web`, … mean: for an owner the first of its
/// running pods.
Result<Json> find_pod(Session& session, const std::string& argument);
/// The pods behind an owner, by its selector: ready ones first.
Result<std::vector<Json>> pods_of(Session& session, const Found& owner);

/// The selector of a Deployment, ReplicaSet, DaemonSet or Service as text; "" when it has none.
std::string selector_of(const Json& object);
/// Names in spec.containers or spec.initContainers.
std::vector<std::string> container_names(const Json& pod, const std::string& list);

/// The container of exec and attach: -c, else the first one, which is said when there are more.
Result<std::string> choose_container(const Session& session, const Json& pod);

}  // namespace hoplab::cmd::kubectl
