#pragma once

#include <string>
#include <string_view>

#include "runtime/base/error.h"
#include "store/api/kind.h"

/// The errors of Kubernetes' API server, word for word (facts/kubectl.md 4).
namespace hoplab {

/// `deployments.apps "web" not found`
Error object_not_found(const api::Kind& kind, const std::string& name);
/// `deployments.apps "web" already exists`
Error object_exists(const api::Kind& kind, const std::string& name);
/// `Operation cannot be fulfilled on deployments.apps "web": <why>`
Error object_conflict(const api::Kind& kind, const std::string& name, std::string_view why);
/// The same for a lost compare-and-set.
Error object_modified(const api::Kind& kind, const std::string& name);
/// `pods "web" is forbidden: <why>`
Error object_forbidden(const api::Kind& kind, const std::string& name, std::string_view why);

}  // namespace hoplab
