#include <iostream>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"
#include "runtime/tunnel/variant.h"
#include "store/api/manifest.h"

namespace hoplab::cmd {

namespace {

tunnel::Choice encapsulation(const plan::ClusterConfig& config) {
  return tunnel::choose(tunnel::probe(), tunnel::parse_variant(config.tunnel));
}

std::string joined(const Json& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts) out.push_back(text.get<std::string>());
  return out.empty() ? "<none>" : join(out, ",");
}

void print_table(const RunningCluster& cluster, const Json& status, bool wide) {
  std::cout << "cluster " << cluster.state.name << " is up";
  if (cluster.state.api_port != 0) {
    std::cout << ", API at https://127.0.0.1:" << cluster.state.api_port;
    std::cout << " (server " << string_or(member(status, "server"), "state", "not there") << ")";
  }
  std::cout << "\n";
  if (cluster.config.control_plane() != nullptr) {
    std::cout << encapsulation(cluster.config).message << "\n";
  }
  std::cout << "\n";
  std::vector<std::vector<std::string>> rows{{"HOST", "ROLE", "STATE", "ADDRESS"}};
  if (wide) rows[0].insert(rows[0].end(), {"RESTARTS", "GATEWAY", "SEGMENTS"});
  for (const auto& host : member(status, "hosts")) {
    std::string name = string_or(host, "name");
    rows.push_back({name, string_or(host, "role"), string_or(host, "state"),
                    joined(member(host, "addresses"))});
    const plan::HostConfig* config = cluster.config.find_host(name);
    if (!wide || config == nullptr) continue;
    std::vector<std::string> segments;
    for (const auto& interface : config->interfaces) segments.push_back(interface.segment);
    rows.back().insert(rows.back().end(), {std::to_string(int_or(host, "restarts")),
                                           config->gateway ? to_string(*config->gateway) : "<none>",
                                           segments.empty() ? "<none>" : join(segments, ",")});
  }
  std::cout << render_columns(rows);
}

int run_status(const Invocation& invocation) {
  Options options("status", "[-o wide|json|yaml]", "Shows what of the cluster runs.");
  options.value("output", 'o', "FORMAT", "wide, json or yaml");
  options.example("hoplab status", "hosts, their addresses and state");
  options.example("hoplab status -o json", "the same for programs");
  if (auto exit = options.parse(invocation.args)) return *exit;
  std::string format = options.get("output");
  if (!format.empty() && format != "wide" && format != "json" && format != "yaml") {
    return options.usage_error("-o takes wide, json or yaml, not \"" + format + "\"");
  }
  auto cluster = find_running_cluster(invocation);
  if (!cluster) return fail(cluster.error());
  auto control = cluster->control();
  if (!control) return fail(control.error());
  auto status = control->status();
  if (!status) return fail(status.error());
  if (format == "json" || format == "yaml") {
    Json out = *status;
    out["apiPort"] = cluster->state.api_port;
    out["created"] = cluster->state.created;
    out["folder"] = cluster->folder;
    if (cluster->config.control_plane() != nullptr) {
      out["encapsulation"] = {{"kind", cluster->config.encapsulation},
                              {"variant", to_string(encapsulation(cluster->config).variant)}};
    }
    std::cout << (format == "json" ? dump_json_pretty(out) + "\n" : api::to_yaml(out));
  } else {
    print_table(*cluster, *status, format == "wide");
  }
  return exit_ok;
}

}  // namespace

extern const Command status_command;
const Command status_command{"status", "show what of the cluster runs", run_status};

}  // namespace hoplab::cmd
