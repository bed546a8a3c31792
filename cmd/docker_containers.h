#pragma once

#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/engine/types.h"
#include "runtime/proc/container_types.h"

namespace hoplab::cmd::docker {

/// A container as docker shows it, and how node-init knows it.
struct ShownContainer {
  engine::Container container;
  std::string node_id;  ///< Of node-init; empty for a pod's pause.
  bool of_pod = false;
};

/// Those of this host: the engine's (when one runs) and those of its pods, which docker shows with
/// their pause containers under dockershim's names (k8s_POD_web_default_…). The newest first.
Result<std::vector<ShownContainer>> all_containers();
/// By name, id or the unique start of one.
Result<ShownContainer> find_container(const std::string& name);
/// The same for one that has to run.
Result<ShownContainer> find_running(const std::string& name);

/// Pods' containers of what node-init tells. Pure.
std::vector<ShownContainer> pod_containers(const proc::NodeContents& contents);

/// "Up 2 minutes", "Exited (0) 3 seconds ago", "Created".
std::string status_text(const engine::Container& container, WallTime now);
/// "0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp"
std::string ports_text(const engine::Container& container);
WallTime wall_time(int64_t nanoseconds);

}  // namespace hoplab::cmd::docker
