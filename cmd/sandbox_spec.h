#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/sandbox_mounts.h"

namespace hoplab::cmd {

/// What `up` tells sandbox-init to build: the first message on their channel. With it travel the
/// control listener and, when there is a server, the API listener.
struct SandboxSpec {
  plan::ClusterConfig config;
  std::string executable;          ///< Our own, as the computer sees it.
  bool user_namespace = false;     ///< Those who enter have to enter it first.
  bool verbose = false;            ///< Tell each operation before it is done.
  std::vector<std::string> tools;  ///< Links beside the executable.
  std::map<std::string, std::vector<proc::HostFile>> files;  ///< Host -> its /run/hoplab.
};

/// Whether the command table has it.
bool has_command(std::string_view name);

Json to_json(const SandboxSpec& spec);
Result<SandboxSpec> parse_sandbox_spec(const Json& json);

/// The spec for a config, without certificates.
SandboxSpec make_sandbox_spec(const plan::ClusterConfig& config, const std::string& executable);

}  // namespace hoplab::cmd
