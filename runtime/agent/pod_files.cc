// The files every pod gets: resolv.conf, hosts and its logs.

#include <filesystem>

#include "runtime/agent/container_spec.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

struct Resolver {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

void add_config(const Json& config, Resolver& resolver) {
  for (const Json& server : member(config, "nameservers")) resolver.servers.push_back(server);
  for (const Json& search : member(config, "searches")) resolver.searches.push_back(search);
  for (const Json& option : member(config, "options")) {
    std::string name = string_or(option, "name");
    std::string value = string_or(option, "value");
    // A later option replaces an earlier one of the same name.
    std::erase_if(resolver.options, [&](const std::string& known) {
      return known == name || known.starts_with(name + ":");
    });
    resolver.options.push_back(value.empty() ? name : name + ":" + value);
  }
}

std::string log_folder(const PodRecord& pod) {
  return "/var/log/pods/" + pod.namespace_name + "_" + pod.name + "_" + pod.uid;
}

}  // namespace

std::string make_resolv_conf(const PodRecord& pod, const DnsFacts& dns) {
  const Json& spec = member(pod.object, "spec");
  std::string policy = string_or(spec, "dnsPolicy", "ClusterFirst");
  // On the host network ClusterFirst means the node's resolver; ClusterFirstWithHostNet does not.
  if (policy == "Default" || (policy == "ClusterFirst" && pod.host_network())) return "";
  Resolver resolver;
  if (policy != "None") {
    resolver.servers = {dns.server};
    resolver.searches = {pod.namespace_name + ".svc." + dns.domain, "svc." + dns.domain,
                         dns.domain};
    resolver.options = {"ndots:5"};
  }
  add_config(member(spec, "dnsConfig"), resolver);
  std::string out;
  if (!resolver.searches.empty()) out += "search " + join(resolver.searches, " ") + "\n";
  for (const auto& server : resolver.servers) out += "nameserver " + server + "\n";
  if (!resolver.options.empty()) out += "options " + join(resolver.options, " ") + "\n";
  return out.empty() ? "# dnsPolicy None\n" : out;
}

std::string make_hosts_file(const PodRecord& pod) {
  if (pod.host_network()) return "";
  const Json& spec = member(pod.object, "spec");
  std::string hostname = string_or(spec, "hostname", pod.name);
  std::string out =
      "# Kubernetes-managed hosts file.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\n"
      "fe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  if (pod.ip) {
    std::string subdomain = string_or(spec, "subdomain");
    out += to_string(*pod.ip) + "\t";
    if (!subdomain.empty()) {
      out += hostname + "." + subdomain + "." + pod.namespace_name + ".svc.cluster.local\t";
    }
    out += hostname + "\n";
  }
  const Json& aliases = member(spec, "hostAliases");
  if (!aliases.empty()) out += "\n# Entries added by HostAliases.\n";
  for (const Json& alias : aliases) {
    out += string_or(alias, "ip");
    for (const Json& name : member(alias, "hostnames")) out += "\t" + name.get<std::string>();
    out += "\n";
  }
  return out;
}

std::string log_path(const PodRecord& pod, const ContainerRecord& container, int restarts) {
  return log_folder(pod) + "/" + container.name + "/" + std::to_string(restarts) + ".log";
}

void remove_log(const PodRecord& pod, const ContainerRecord& container, int restarts) {
  std::string path = log_path(pod, container, restarts);
  std::error_code code;
  std::filesystem::remove(path, code);
  for (int number = 1; std::filesystem::remove(str(path, ".", number), code); ++number) {
  }
}

void remove_logs(const PodRecord& pod) {
  std::error_code ignored;  // What is left is removed with the sandbox.
  std::filesystem::remove_all(log_folder(pod), ignored);
}

}  // namespace hoplab::agent
