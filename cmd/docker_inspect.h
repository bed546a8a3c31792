#pragma once

#include <functional>
#include <span>
#include <string>

#include "cmd/docker.h"
#include "runtime/base/json.h"
#include "runtime/engine/types.h"

namespace hoplab::cmd::docker {

/// What `docker inspect` shows, with docker's field names. Pure.
Json inspect_json(const engine::Container& container, std::span<const engine::Network> networks);
Json inspect_json(const engine::Network& network, std::span<const engine::Container> containers);

/// Prints what `find` gives for each argument: as a list, or by --format. What is not found is told
/// and the rest goes on.
Result<int> print_inspected(const Flags& flags,
                            const std::function<Result<Json>(const std::string& name)>& find);

}  // namespace hoplab::cmd::docker
