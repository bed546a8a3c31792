// docker network create, ls, inspect, rm, connect, disconnect, prune.

#include <algorithm>
#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_format.h"
#include "cmd/docker_host.h"
#include "cmd/docker_inspect.h"
#include "cmd/docker_options.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec network_create_flags[] = {
    {"driver", 'd', FlagKind::value, "bridge", "Driver to manage the Network"},
    {"subnet", 0, FlagKind::value, "", "Subnet in CIDR format that represents a network segment"},
    {"gateway", 0, FlagKind::value, "", "IPv4 Gateway for the master subnet"},
    {"internal", 0, FlagKind::boolean, "", "Restrict external access to the network"},
    {"label", 0, FlagKind::value, "", "Set metadata on a network"},
};

Result<int> run_network_create(Session& session) {
  const Flags& flags = session.flags;
  engine::NetworkWish wish;
  wish.name = flags.args()[0];
  wish.driver = flags.get("driver");
  wish.internal = flags.on("internal");
  if (flags.given("subnet")) {
    auto subnet = Prefix::parse(flags.get("subnet"));
    if (!subnet) return Error(ErrorCode::invalid, "invalid subnet " + flags.get("subnet"));
    wish.subnet = *subnet;
  }
  if (flags.given("gateway")) {
    auto gateway = Ipv4::parse(flags.get("gateway"));
    if (!gateway) return Error(ErrorCode::invalid, "invalid gateway " + flags.get("gateway"));
    wish.gateway = *gateway;
  }
  wish.labels = parse_labels(flags.all("label"));
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(const engine::Network network, engine.create_network(wish));
  std::cout << network.id << "\n";
  return exit_ok;
}

constexpr FlagSpec network_ls_flags[] = {
    {"filter", 'f', FlagKind::value, "", "Provide filter values (name=NAME, driver=DRIVER)"},
    {"format", 0, FlagKind::value, "", "Format output using a Go template, or json"},
    {"no-trunc", 0, FlagKind::boolean, "", "Do not truncate the output"},
    {"quiet", 'q', FlagKind::boolean, "", "Only display network IDs"},
};

const std::vector<Column> network_columns{
    {"ID", "NETWORK ID"}, {"Name", "NAME"}, {"Driver", "DRIVER"}, {"Scope", "SCOPE"}};

Result<bool> network_passes(const engine::Network& network,
                            const std::vector<std::string>& filters) {
  for (const std::string& filter : filters) {
    const size_t equals = filter.find('=');
    const std::string key = filter.substr(0, equals);
    if (equals == std::string::npos || (key != "name" && key != "driver" && key != "id")) {
      return Error(ErrorCode::invalid, "Invalid filter '" + filter + "'");
    }
    const std::string value = filter.substr(equals + 1);
    if (key == "name" && network.name.find(value) == std::string::npos) return false;
    if (key == "driver" && network.driver != value) return false;
    if (key == "id" && !network.id.starts_with(value)) return false;
  }
  return true;
}

Result<int> run_network_ls(Session& session) {
  const Flags& flags = session.flags;
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(std::vector<engine::Network> networks, engine.list_networks());
  std::sort(networks.begin(), networks.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<Json> rows;
  for (const engine::Network& network : networks) {
    HOP_TRY(const bool shown, network_passes(network, flags.all("filter")));
    if (!shown) continue;
    rows.push_back({{"ID", flags.on("no-trunc") ? network.id : engine::short_id(network.id)},
                    {"Name", network.name},
                    {"Driver", network.driver},
                    {"Scope", "local"},
                    {"Internal", network.internal ? "true" : "false"}});
  }
  const std::string format = flags.on("quiet") ? "{{.ID}}" : flags.get("format");
  HOP_TRY(const std::string text, print_rows(format, network_columns, network_columns, rows));
  std::cout << text;
  return exit_ok;
}

constexpr FlagSpec network_inspect_flags[] = {
    {"format", 'f', FlagKind::value, "", "Format output using a Go template"},
    {"verbose", 'v', FlagKind::boolean, "", ""},
};

Result<int> run_network_inspect(Session& session) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(const auto containers, engine.list());
  return print_inspected(session.flags, [&](const std::string& name) -> Result<Json> {
    HOP_TRY(const engine::Network network, engine.find_network(name));
    return inspect_json(network, containers);
  });
}

Result<int> run_network_rm(Session& session) {
  HOP_TRY(engine::EngineClient engine, open_engine());
  int code = exit_ok;
  for (const std::string& name : session.flags.args()) {
    auto removed = engine.remove_network(name);
    if (removed) {
      std::cout << name << "\n";
    } else {
      code = print_error(removed.error());
    }
  }
  return code;
}

constexpr FlagSpec network_connect_flags[] = {
    {"ip", 0, FlagKind::value, "", "IPv4 address (e.g., 172.30.100.104)"},
    {"alias", 0, FlagKind::value, "", "Add network-scoped alias for the container"},
};

Result<int> run_network_connect(Session& session) {
  const auto& args = session.flags.args();
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_CHECK(engine.connect_network(args[0], args[1], session.flags.get("ip"),
                                   session.flags.all("alias")));
  return exit_ok;
}

constexpr FlagSpec network_disconnect_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Force the container to disconnect from a network"},
};

Result<int> run_network_disconnect(Session& session) {
  const auto& args = session.flags.args();
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_CHECK(engine.disconnect_network(args[0], args[1], session.flags.on("force")));
  return exit_ok;
}

constexpr FlagSpec network_prune_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Do not prompt for confirmation"},
};

Result<int> run_network_prune(Session& session) {
  if (!session.flags.on("force") &&
      !confirmed("This will remove all custom networks not used by at least one container.")) {
    return exit_ok;
  }
  HOP_TRY(engine::EngineClient engine, open_engine());
  HOP_TRY(const auto networks, engine.list_networks());
  HOP_TRY(const auto containers, engine.list());
  std::vector<std::string> removed;
  for (const engine::Network& network : networks) {
    const bool used = std::any_of(containers.begin(), containers.end(), [&](const auto& each) {
      return each.endpoint_on(network.name) != nullptr;
    });
    if (used || !network.is_bridge() || network.is_default()) continue;
    HOP_CHECK(engine.remove_network(network.id));
    removed.push_back(network.name);
  }
  if (!removed.empty()) std::cout << "Deleted Networks:\n" << join(removed, "\n") << "\n\n";
  return exit_ok;
}

constexpr std::string_view network_ls_aliases[] = {"network list"};
constexpr std::string_view network_rm_aliases[] = {"network remove"};

}  // namespace

extern const Verb network_create_verb;
const Verb network_create_verb{"network create",
                               "network create [OPTIONS] NETWORK",
                               "Create a network",
                               "  docker network create --subnet 172.30.0.0/16 lab\n",
                               network_create_flags,
                               1,
                               1,
                               run_network_create,
                               {},
                               false,
                               true};

extern const Verb network_ls_verb;
const Verb network_ls_verb{"network ls",
                           "network ls [OPTIONS]",
                           "List networks",
                           "  docker network ls\n",
                           network_ls_flags,
                           0,
                           0,
                           run_network_ls,
                           network_ls_aliases,
                           false,
                           true};

extern const Verb network_inspect_verb;
const Verb network_inspect_verb{
    "network inspect",
    "network inspect [OPTIONS] NETWORK [NETWORK...]",
    "Display detailed information on one or more networks",
    "  docker network inspect bridge\n"
    "  docker network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' bridge\n",
    network_inspect_flags,
    1,
    1000,
    run_network_inspect,
    {},
    false,
    true};

extern const Verb network_rm_verb;
const Verb network_rm_verb{"network rm",
                           "network rm NETWORK [NETWORK...]",
                           "Remove one or more networks",
                           "  docker network rm lab\n",
                           {},
                           1,
                           1000,
                           run_network_rm,
                           network_rm_aliases,
                           false,
                           true};

extern const Verb network_connect_verb;
const Verb network_connect_verb{"network connect",
                                "network connect [OPTIONS] NETWORK CONTAINER",
                                "Connect a container to a network",
                                "  docker network connect lab web\n",
                                network_connect_flags,
                                2,
                                2,
                                run_network_connect,
                                {},
                                false,
                                true};

extern const Verb network_disconnect_verb;
const Verb network_disconnect_verb{"network disconnect",
                                   "network disconnect [OPTIONS] NETWORK CONTAINER",
                                   "Disconnect a container from a network",
                                   "  docker network disconnect lab web\n",
                                   network_disconnect_flags,
                                   2,
                                   2,
                                   run_network_disconnect,
                                   {},
                                   false,
                                   true};

extern const Verb network_prune_verb;
const Verb network_prune_verb{"network prune",
                              "network prune [OPTIONS]",
                              "Remove all unused networks",
                              "  docker network prune -f\n",
                              network_prune_flags,
                              0,
                              0,
                              run_network_prune,
                              {},
                              false,
                              true};

}  // namespace hoplab::cmd::docker
