// docker ps, port, top: what containers there are and what runs in them.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <set>

#include "cmd/docker.h"
#include "cmd/docker_containers.h"
#include "cmd/docker_format.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"
#include "runtime/proc/spawn.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec ps_flags[] = {
    {"all", 'a', FlagKind::boolean, "", "Show all containers (default shows just running)"},
    {"filter", 'f', FlagKind::value, "", "Filter output based on conditions provided"},
    {"format", 0, FlagKind::value, "", "Format output using a Go template, or json"},
    {"last", 'n', FlagKind::number, "-1", "Show n last created containers (includes all states)"},
    {"latest", 'l', FlagKind::boolean, "",
     "Show the latest created container (includes all states)"},
    {"no-trunc", 0, FlagKind::boolean, "", "Don't truncate output"},
    {"quiet", 'q', FlagKind::boolean, "", "Only display container IDs"},
    {"size", 's', FlagKind::boolean, "", ""},
};

const std::vector<Column> ps_columns{
    {"ID", "CONTAINER ID"}, {"Image", "IMAGE"}, {"Command", "COMMAND"}, {"RunningFor", "CREATED"},
    {"Status", "STATUS"},   {"Ports", "PORTS"}, {"Names", "NAMES"}};

std::vector<Column> all_ps_columns() {
  auto all = ps_columns;
  for (const Column& more :
       {Column{"CreatedAt", "CREATED AT"}, Column{"State", "STATE"}, Column{"Labels", "LABELS"},
        Column{"Networks", "NETWORKS"}, Column{"Mounts", "MOUNTS"}, Column{"Size", "SIZE"}}) {
    all.push_back(more);
  }
  return all;
}

std::string command_text(const engine::Container& container, bool whole) {
  constexpr size_t width = 20;
  std::string text = join(container.program, " ");
  if (!whole && text.size() > width) text = text.substr(0, width - 1) + "…";
  return str('"', text, '"');
}

std::string labels_text(const proc::Labels& labels) {
  std::vector<std::string> out;
  for (const auto& [key, value] : labels) out.push_back(str(key, "=", value));
  return join(out, ",");
}

std::string networks_text(const engine::Container& container) {
  std::vector<std::string> out;
  for (const engine::Endpoint& endpoint : container.endpoints) out.push_back(endpoint.network);
  return out.empty() ? container.config.network : join(out, ",");
}

Json row_of(const engine::Container& container, bool whole, WallTime now) {
  const WallTime created = wall_time(container.created_at);
  std::vector<std::string> mounts;
  for (const proc::Mount& mount : container.config.mounts) mounts.push_back(mount.source);
  return {{"ID", whole ? container.id : engine::short_id(container.id)},
          {"Image", container.config.image},
          {"Command", command_text(container, whole)},
          {"RunningFor", created_since(to_rfc3339(created), now)},
          {"CreatedAt", to_rfc3339(created)},
          {"Status", status_text(container, now)},
          {"State", std::string(engine::to_string(container.state))},
          {"Ports", ports_text(container)},
          {"Names", container.config.name},
          {"Labels", labels_text(container.config.labels)},
          {"Networks", networks_text(container)},
          {"Mounts", join(mounts, ",")},
          {"Size", "0B"}};
}

using Filters = std::vector<std::pair<std::string, std::string>>;

Result<Filters> read_filters(const Flags& flags) {
  constexpr std::array known{"name", "id", "status", "label", "network", "ancestor", "exited"};
  Filters out;
  for (const std::string& text : flags.all("filter")) {
    const size_t equals = text.find('=');
    std::string key = text.substr(0, equals);
    if (equals == std::string::npos) {
      return Error(ErrorCode::invalid, "bad format of filter (expected name=value)");
    }
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Error(ErrorCode::invalid, "Invalid filter '" + key + "'");
    }
    out.emplace_back(std::move(key), text.substr(equals + 1));
  }
  return out;
}

bool has_label(const proc::Labels& labels, const std::string& wanted) {
  const size_t equals = wanted.find('=');
  auto found = labels.find(wanted.substr(0, equals));
  if (found == labels.end()) return false;
  return equals == std::string::npos || found->second == wanted.substr(equals + 1);
}

bool passes(const engine::Container& container, const std::string& key, const std::string& value) {
  if (key == "name") return container.config.name.find(value) != std::string::npos;
  if (key == "id") return container.id.starts_with(value);
  if (key == "status") return engine::to_string(container.state) == value;
  if (key == "label") return has_label(container.config.labels, value);
  if (key == "ancestor") return container.config.image == value;
  if (key == "exited") {
    return container.state == engine::State::exited && std::to_string(container.exit_code) == value;
  }
  return container.config.network == value || container.endpoint_on(value) != nullptr;
}

/// Filters of one key are alternatives, those of several all have to hold.
bool passes_all(const engine::Container& container, const Filters& filters) {
  std::set<std::string> keys;
  for (const auto& [key, value] : filters) keys.insert(key);
  return std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return std::any_of(filters.begin(), filters.end(), [&](const auto& filter) {
      return filter.first == key && passes(container, key, filter.second);
    });
  });
}

bool shows_all(const Flags& flags, const Filters& filters) {
  return flags.on("all") || flags.on("latest") || flags.number("last") >= 0 ||
         std::any_of(filters.begin(), filters.end(), [](const auto& filter) {
           return filter.first == "status" || filter.first == "exited";
         });
}

Result<int> run_ps(Session& session) {
  const Flags& flags = session.flags;
  HOP_TRY(const Filters filters, read_filters(flags));
  HOP_TRY(std::vector<ShownContainer> all, all_containers());
  const bool also_ended = shows_all(flags, filters);
  std::erase_if(all, [&](const ShownContainer& each) {
    return (!also_ended && each.container.state != engine::State::running) ||
           !passes_all(each.container, filters);
  });
  const int64_t last = flags.on("latest") ? 1 : flags.number("last");
  if (last >= 0 && all.size() > static_cast<size_t>(last)) all.resize(static_cast<size_t>(last));
  const WallTime now = SystemClock().wall();
  std::vector<Json> rows;
  for (const ShownContainer& each : all) {
    rows.push_back(row_of(each.container, flags.on("no-trunc"), now));
  }
  const std::string format = flags.on("quiet") ? "{{.ID}}" : flags.get("format");
  HOP_TRY(const std::string text, print_rows(format, ps_columns, all_ps_columns(), rows));
  std::cout << text;
  return exit_ok;
}

Result<int> run_port(Session& session) {
  const auto& args = session.flags.args();
  HOP_TRY(const ShownContainer shown, find_container(args[0]));
  bool found = false;
  for (const engine::PublishedPort& port : shown.container.ports) {
    const std::string inside = str(port.container_port, "/", engine::protocol_name(port.protocol));
    const std::string outside = str(to_string(port.host_ip), ":", port.host_port);
    if (args.size() == 1) {
      std::cout << inside << " -> " << outside << "\n";
    } else if (args[1] == inside || args[1] + "/tcp" == inside) {
      std::cout << outside << "\n";
      found = true;
    }
  }
  if (args.size() == 1 || found) return exit_ok;
  const std::string wanted = args[1].find('/') == std::string::npos ? args[1] + "/tcp" : args[1];
  std::cerr << "Error: No public port '" << wanted << "' published for " << args[0] << "\n";
  return exit_failure;
}

/// The inode of a process's pid namespace; empty when it is gone.
std::string pid_namespace(const std::string& process) {
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/pid", failed).string();
}

/// Those of the container: everything in its pid namespace. Processes that share the host's are
/// told by their parents.
std::set<std::string> processes_of(int64_t pid) {
  const std::string wanted = pid_namespace(std::to_string(pid));
  std::set<std::string> out;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", failed)) {
    const std::string name = entry.path().filename().string();
    if (name[0] >= '1' && name[0] <= '9' && pid_namespace(name) == wanted) out.insert(name);
  }
  return out;
}

/// What `ps` prints, as docker top asks it.
Result<std::string> ps_output(const std::vector<std::string>& args) {
  HOP_TRY(Pipe pipe, make_pipe());
  const auto env = proc::inside_environment();
  proc::Program program;
  program.executable = proc::find_program("ps", env);
  program.argv = {"ps"};
  program.argv.insert(program.argv.end(), args.begin(), args.end());
  program.env = env;
  program.descriptors = {{pipe.write_end.get(), STDOUT_FILENO}};
  if (program.executable.empty()) {
    return Error(ErrorCode::unsupported, "docker top needs the program ps (package procps)");
  }
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "starting ps");
  if (child == 0) {
    std::cerr << proc::exec_program(program).message() << "\n";
    ::_exit(127);
  }
  pipe.write_end.reset();
  auto text = read_all(pipe.read_end.get());
  const int code = proc::wait_for_exit(child);
  if (text && code != 0) return Error(ErrorCode::invalid, str("ps: exit status ", code));
  return text;
}

Result<int> run_top(Session& session) {
  const auto& args = session.flags.args();
  HOP_TRY(const ShownContainer shown, find_running(args[0]));
  std::vector<std::string> ps_args(args.begin() + 1, args.end());
  if (ps_args.empty()) ps_args = {"-ef"};
  HOP_TRY(const std::string text, ps_output(ps_args));
  const std::set<std::string> ours = processes_of(shown.container.pid);
  const auto lines = split(text, '\n');
  const auto heading = lines.empty() ? std::vector<std::string_view>() : words(lines[0]);
  const auto pid_column = std::find(heading.begin(), heading.end(), "PID");
  if (pid_column == heading.end()) {
    return Error(ErrorCode::invalid, "Couldn't find PID field in ps output");
  }
  const auto at = static_cast<size_t>(pid_column - heading.begin());
  // docker's table: as many columns as the heading has, the last one takes the rest.
  std::vector<Json> rows;
  std::vector<Column> columns;
  for (std::string_view word : heading) columns.push_back({word, word});
  for (size_t i = 1; i < lines.size(); ++i) {
    auto fields = words(lines[i]);
    if (fields.size() < heading.size() || !ours.contains(std::string(fields[at]))) continue;
    Json row = Json::object();
    for (size_t column = 0; column + 1 < heading.size(); ++column) {
      row[std::string(heading[column])] = fields[column];
    }
    const char* rest = fields[heading.size() - 1].data();
    row[std::string(heading.back())] =
        std::string(rest, static_cast<size_t>(lines[i].data() + lines[i].size() - rest));
    rows.push_back(std::move(row));
  }
  // `index`: a heading like %CPU is no name of a template's field.
  std::string format = "table ";
  for (size_t i = 0; i < heading.size(); ++i) {
    format += str(i == 0 ? "" : "\\t", "{{index . \"", heading[i], "\"}}");
  }
  HOP_TRY(const std::string table, print_rows(format, columns, columns, rows));
  std::cout << table;
  return exit_ok;
}

constexpr std::string_view ps_aliases[] = {"container ls", "container ps", "container list"};
constexpr std::string_view port_aliases[] = {"container port"};
constexpr std::string_view top_aliases[] = {"container top"};

}  // namespace

extern const Verb ps_verb;
const Verb ps_verb{"ps",
                   "ps [OPTIONS]",
                   "List containers",
                   "  docker ps\n  docker ps -a --format '{{.Names}}: {{.Status}}'\n"
                   "  docker ps -q --filter status=exited\n",
                   ps_flags,
                   0,
                   0,
                   run_ps,
                   ps_aliases,
                   false,
                   true};

extern const Verb port_verb;
const Verb port_verb{"port",
                     "port CONTAINER [PRIVATE_PORT[/PROTO]]",
                     "List port mappings or a specific mapping for the container",
                     "  docker port web 80\n",
                     {},
                     1,
                     2,
                     run_port,
                     port_aliases,
                     false,
                     true};

extern const Verb top_verb;
const Verb top_verb{"top",
                    "top CONTAINER [ps OPTIONS]",
                    "Display the running processes of a container",
                    "  docker top red\n  docker top red -o pid,ppid,comm\n",
                    {},
                    1,
                    100,
                    run_top,
                    top_aliases,
                    true,
                    true};

}  // namespace hoplab::cmd::docker
