#pragma once

#include <span>

#include "cmd/docker.h"
#include "runtime/engine/types.h"

/// The flags of docker run and docker create. Reading is pure but for --env-file and what -e takes
/// from our own environment.
namespace hoplab::cmd::docker {

std::span<const FlagSpec> container_flags();

/// What flags and arguments (image, command…) ask for. Errors are worded as docker's.
Result<engine::ContainerConfig> read_container_config(const Flags& flags);

/// "[IP:][HOST:]CONTAINER[/PROTOCOL]", ranges "8000-8002:80-82" included.
Result<std::vector<engine::PublishedPort>> parse_port(std::string_view text);
/// "SOURCE:TARGET[:ro]"; a source without a slash is a volume's name.
Result<proc::Mount> parse_volume(std::string_view text);
/// "64m" in bytes; k, m, g are powers of 1024.
Result<int64_t> parse_bytes(std::string_view text);
/// "1.5" in thousandths of a CPU.
Result<int64_t> parse_cpus(std::string_view text);
/// "KEY=value" each; "KEY" alone has an empty value.
proc::Labels parse_labels(const std::vector<std::string>& texts);
/// "KEY=value"; "KEY" takes the value from our own environment and is nothing when that has none.
Result<std::vector<proc::EnvVar>> parse_env(std::string_view text);

}  // namespace hoplab::cmd::docker
