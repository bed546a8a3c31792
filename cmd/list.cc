#include <iostream>

#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "runtime/proc/sandbox_find.h"
#include "store/api/manifest.h"

namespace hoplab::cmd {

namespace {

Json describe(const std::string& runtime, const std::string& name) {
  Json row{{"name", name}, {"state", "left over"}, {"folder", runtime + "/" + name}};
  auto state = proc::read_sandbox_state(runtime, name);
  if (!state) return row;
  if (state->alive()) row["state"] = state->ready ? "up" : "starting";
  row["hosts"] = member(state->config, "hosts").size();
  row["apiPort"] = state->api_port;
  row["created"] = state->created;
  return row;
}

std::string age(const std::string& created) {
  auto time = parse_rfc3339(created);
  if (!time) return "<unknown>";
  auto passed = SystemClock().wall() - *time;
  return render_age(std::chrono::duration_cast<std::chrono::seconds>(passed).count());
}

std::string render(const Json& clusters) {
  std::vector<std::vector<std::string>> rows{{"CLUSTER", "STATE", "HOSTS", "API", "AGE"}};
  for (const auto& each : clusters) {
    int64_t port = int_or(each, "apiPort");
    rows.push_back(
        {string_or(each, "name"), string_or(each, "state"), std::to_string(int_or(each, "hosts")),
         port == 0 ? "<none>" : str("127.0.0.1:", port), age(string_or(each, "created"))});
  }
  return render_columns(rows);
}

int run_list(const Invocation& invocation) {
  Options options("list", "[-o json|yaml]", "Lists your clusters that are up.");
  options.value("output", 'o', "FORMAT", "wide, json or yaml");
  options.example("hoplab list", "every cluster, its hosts and its API address");
  if (auto exit = options.parse(invocation.args)) return *exit;
  std::string format = options.get("output");
  if (!format.empty() && format != "wide" && format != "json" && format != "yaml") {
    return options.usage_error("-o takes wide, json or yaml, not \"" + format + "\"");
  }
  const std::vector<std::string> runtimes = proc::runtime_folders();
  Json clusters = Json::array();
  for (const auto& runtime : runtimes) {
    for (const auto& name : proc::cluster_names(runtime)) {
      clusters.push_back(describe(runtime, name));
    }
  }
  if (format == "json") {
    std::cout << dump_json_pretty(clusters) << "\n";
  } else if (format == "yaml") {
    std::cout << api::to_yaml(clusters);
  } else if (clusters.empty()) {
    std::cout << "no cluster is up (looked in " << join(runtimes, ", ")
              << "); start one: hoplab up\n";
  } else {
    std::cout << render(clusters);
  }
  return exit_ok;
}

}  // namespace

extern const Command list_command;
const Command list_command{"list", "list your clusters", run_list};

}  // namespace hoplab::cmd
