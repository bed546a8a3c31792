#include "runtime/proc/node_init.h"

#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

namespace hoplab::cmd {

namespace {

Result<proc::NodeConfig> read_config(const std::string& path) {
  HOP_TRY(std::string text, read_file(path, 1U << 20U));
  HOP_TRY(Json json, parse_json(text).context(path));
  HOP_TRY(proc::NodeConfig config, proc::parse_node_config(json));
  config.state_directory = path.substr(0, path.rfind('/'));
  return config;
}

int run_node_init(const Invocation& invocation) {
  Options options("node-init", "[--config FILE]",
                  "Pid 1 of a host: reaps, keeps services running, forks containers.");
  options.value("config", 'c', "FILE", "what runs on this host", "/run/hoplab/node.json");
  options.example("hoplab node-init", "how sandbox-init starts a host");
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto config = read_config(options.get("config"));
  if (!config) return fail(config.error());
  auto ended = proc::run_node_init(*config, Log("node-init " + config->host));
  return ended ? exit_ok : fail(ended.error());
}

}  // namespace

extern const Command node_init_command;
const Command node_init_command{"node-init", "pid 1 of a host", run_node_init, true};

}  // namespace hoplab::cmd
