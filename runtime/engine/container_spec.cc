#include "runtime/engine/container_spec.h"

#include "runtime/engine/names.h"

namespace hoplab::engine {

namespace {

std::string hosts_text(const Container& container, const std::string& hostname) {
  std::string text =
      "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
      "ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
  for (const std::string& extra : container.config.extra_hosts) {
    const size_t colon = extra.find(':');
    text += extra.substr(colon + 1) + "\t" + extra.substr(0, colon) + "\n";
  }
  for (const Endpoint& endpoint : container.endpoints) {
    text += to_string(endpoint.ip) + "\t" + hostname + "\n";
  }
  return text;
}

std::string resolv_text(const Container& container) {
  std::string text;
  for (const std::string& server : container.config.dns) text += "nameserver " + server + "\n";
  return text;  // Empty: the host's own.
}

}  // namespace

bool is_joined(const ContainerConfig& config) {
  return config.network.starts_with(joined_mark);
}

std::string_view joined_name(const ContainerConfig& config) {
  return std::string_view(config.network).substr(joined_mark.size());
}

proc::PodSandboxSpec sandbox_spec_of(const Container& container) {
  const ContainerConfig& config = container.config;
  proc::PodSandboxSpec spec;
  spec.id = container.sandbox_id;
  spec.labels = {{engine_label, config.name}};
  spec.hostname = config.hostname.empty() ? short_id(container.id) : config.hostname;
  spec.host_network = config.network == "host";
  spec.host_pid = config.host_pid;
  spec.hosts = hosts_text(container, spec.hostname);
  spec.resolv_conf = resolv_text(container);
  spec.first_container_holds = true;
  return spec;
}

proc::ContainerSpec spec_of(const Container& container) {
  const ContainerConfig& config = container.config;
  proc::ContainerSpec spec;
  spec.id = container.id;
  spec.sandbox_id = container.sandbox_id;
  spec.labels = {{engine_label, config.name}};
  spec.image = container.image_id.empty() ? config.image : container.image_id;
  spec.command = config.entrypoint;
  spec.args = config.command;
  spec.env = config.env;
  spec.working_dir = config.working_dir;
  spec.stdin_open = config.open_stdin;
  spec.stdin_once = config.stdin_once;
  spec.tty = config.tty;
  spec.mounts = config.mounts;
  spec.security = config.security;
  spec.resources = config.resources;
  spec.log.path = container.log_path;
  return spec;
}

}  // namespace hoplab::engine
