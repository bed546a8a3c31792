#include "cmd/sandbox_spec.h"

#include <unistd.h>

#include <algorithm>

#include "cmd/command.h"
#include "runtime/base/text.h"
#include "runtime/image/folder.h"
#include "runtime/plan/underlay.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::cmd {

namespace {

using std::string_literals::operator""s;

bool installed(std::string_view program) {
  for (const char* folder :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    if (::access(str(folder, '/', program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

/// Names that learners type and that are ours inside.
std::vector<std::string> choose_tools() {
  std::vector<std::string> tools;
  for (const char* name : {"docker", "crictl", "calicoctl", "brctl", "sudo", "next", "check",
                           "hint", "goto", "reset"}) {
    if (has_command(name)) tools.emplace_back(name);
  }
  // The real ones are used where they are installed.
  for (const char* name : {"kubectl", "tcpdump"}) {
    if (has_command(name) && !installed(name)) tools.emplace_back(name);
  }
  return tools;
}

/// Commands that node-init keeps running on a host.
Json services_of(const plan::ClusterConfig& config, const plan::HostConfig& host) {
  Json services = Json::array();
  if (!host.is_node() && host.role != plan::HostRole::internet) return services;
  const auto add = [&services](const char* name, const std::vector<std::string>& arguments) {
    Json argv{proc::inside::executable, name};
    for (const std::string& one : arguments) argv.push_back(one);
    services.push_back({{"name", name}, {"argv", argv}});
  };
  if (host.role == plan::HostRole::internet) {
    // Its web page tells who asked: that is how one sees what address translation did.
    add("whoami", {"--port", "80", "--name", "internet"});
    return services;
  }
  if (config.encapsulation == "ipip" && !tunnel::has_kernel_ipip()) {
    const bool best = config.tunnel == "auto";
    add("tunnel", best ? std::vector<std::string>{} : std::vector{"--variant"s, config.tunnel});
  }
  add("agent", {"--images", image::default_store_folder()});
  return services;
}

Json node_json(const plan::ClusterConfig& config, const plan::HostConfig& host) {
  Json out{{"host", host.name},
           {"role", plan::to_string(host.role)},
           {"cluster", config.name},
           {"images", image::default_store_folder()},
           {"services", services_of(config, host)}};
  if (!host.address().is_unspecified()) out["address"] = to_string(host.address());
  return out;
}

constexpr const char* bashrc =
    "PS1='root@\\h:\\w# '\n"
    "HISTFILE=/run/hoplab/home/.bash_history\n"
    "alias ll='ls -l'\n"
    "[ -t 1 ] && alias ls='ls --color=auto' ip='ip -color=auto' grep='grep --color=auto'\n";

std::vector<proc::HostFile> files_of(const plan::ClusterConfig& config,
                                     const plan::HostConfig& host) {
  return {{"etc/hosts", plan::render_hosts_file(config, host)},
          {"etc/hostname", host.name + "\n"},
          {"etc/resolv.conf", plan::render_resolv_conf(config)},
          {"bashrc", bashrc},
          {"home/.hushlogin", ""},
          {"cluster.json", dump_json_pretty(to_json(config)) + "\n"},
          {"node.json", dump_json_pretty(node_json(config, host)) + "\n"}};
}

}  // namespace

bool has_command(std::string_view name) {
  auto table = command_table();
  return std::any_of(table.begin(), table.end(),
                     [name](const Command* command) { return command->name == name; });
}

Json to_json(const SandboxSpec& spec) {
  Json files = Json::object();
  for (const auto& [host, list] : spec.files) {
    for (const auto& file : list) {
      files[host].push_back({{"path", file.path}, {"text", file.text}, {"mode", file.mode}});
    }
  }
  return {{"config", to_json(spec.config)},
          {"executable", spec.executable},
          {"userNamespace", spec.user_namespace},
          {"verbose", spec.verbose},
          {"tools", spec.tools},
          {"files", files}};
}

Result<SandboxSpec> parse_sandbox_spec(const Json& json) {
  SandboxSpec spec;
  HOP_TRY(spec.config, plan::parse_cluster_config(member(json, "config"), "sandbox spec"));
  spec.executable = string_or(json, "executable");
  spec.user_namespace = bool_or(json, "userNamespace");
  spec.verbose = bool_or(json, "verbose");
  for (const auto& tool : member(json, "tools")) spec.tools.push_back(tool.get<std::string>());
  for (const auto& [host, list] : member(json, "files").items()) {
    for (const auto& file : list) {
      spec.files[host].push_back({string_or(file, "path"), string_or(file, "text"),
                                  static_cast<unsigned>(int_or(file, "mode", 0600))});
    }
  }
  return spec;
}

SandboxSpec make_sandbox_spec(const plan::ClusterConfig& config, const std::string& executable) {
  SandboxSpec spec;
  spec.config = config;
  spec.executable = executable;
  spec.tools = choose_tools();
  for (const auto& host : config.hosts) spec.files[host.name] = files_of(config, host);
  return spec;
}

}  // namespace hoplab::cmd
