#pragma once

#include <string>
#include <string_view>

#include "runtime/engine/types.h"
#include "runtime/proc/container_types.h"

/// What node-init is asked for on a container's behalf. Pure.
namespace hoplab::engine {

/// The label by which the engine knows its own sandboxes; pods have others.
inline constexpr const char* engine_label = "hoplab.io/container-engine";

inline constexpr std::string_view joined_mark = "container:";
/// Whether the container shares another one's network (--network container:OTHER).
bool is_joined(const ContainerConfig& config);
/// OTHER.
std::string_view joined_name(const ContainerConfig& config);

proc::PodSandboxSpec sandbox_spec_of(const Container& container);
proc::ContainerSpec spec_of(const Container& container);

}  // namespace hoplab::engine
