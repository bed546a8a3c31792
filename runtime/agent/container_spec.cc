#include "runtime/agent/container_spec.h"

#include <sys/random.h>

#include <array>
#include <span>

#include "runtime/agent/non_root.h"
#include "runtime/base/bytes.h"
#include "runtime/base/text.h"
#include "store/api/quantity.h"

namespace hoplab::agent {

namespace {

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<std::string> expanded(const Json& list, const Variables& variables) {
  std::vector<std::string> out;
  for (const std::string& text : strings(list)) out.push_back(expand(text, variables));
  return out;
}

proc::SecuritySpec security_of(const PodRecord& pod, const Json& spec) {
  const Json& context = member(spec, "securityContext");
  proc::SecuritySpec out;
  out.privileged = bool_or(context, "privileged");
  out.read_only_root = bool_or(context, "readOnlyRootFilesystem");
  out.no_new_privileges = !bool_or(context, "allowPrivilegeEscalation", true);
  out.add_capabilities = strings(at_path(context, "capabilities.add"));
  out.drop_capabilities = strings(at_path(context, "capabilities.drop"));
  auto number = [&](std::string_view field) -> std::optional<uint32_t> {
    const Json& value = security_field(pod, spec, field);
    // The API has checked the range.
    if (!value.is_number_integer()) return std::nullopt;
    return value.get<uint32_t>();
  };
  out.run_as_user = number("runAsUser");
  out.run_as_group = number("runAsGroup");
  const Json& pod_context = member(member(pod.object, "spec"), "securityContext");
  for (const Json& group : member(pod_context, "supplementalGroups")) {
    out.supplemental_groups.push_back(group.get<uint32_t>());
  }
  if (auto group = Volumes::usable_fs_group(pod)) out.supplemental_groups.push_back(*group);
  return out;
}

/// A limit in the units `milli` asks for: thousandths (CPU) or whole (memory). 0 = none.
Result<int64_t> limit_of(const Json& spec, const char* resource, bool milli) {
  const Json& value = member(at_path(spec, "resources.limits"), resource);
  if (value.is_null()) return 0;
  auto quantity = api::quantity_of(value);
  if (!quantity) {
    return std::move(quantity).error().context(str("resources.limits.", resource));
  }
  return milli ? quantity->milli : quantity->value();
}

}  // namespace

std::string labels::get(const proc::Labels& all, const char* name) {
  auto found = all.find(name);
  return found == all.end() ? "" : found->second;
}

std::string new_runtime_id() {
  return hex_text(random_value<std::array<std::byte, 32>>());
}

proc::PodSandboxSpec make_sandbox_spec(const PodRecord& pod, const std::string& id,
                                       const DnsFacts& dns) {
  const Json& spec = member(pod.object, "spec");
  proc::PodSandboxSpec out;
  out.id = id;
  out.labels = {{labels::pod_name, pod.name},
                {labels::pod_namespace, pod.namespace_name},
                {labels::pod_uid, pod.uid}};
  if (pod.ip) out.labels[labels::pod_ip] = to_string(*pod.ip);
  out.hostname = string_or(spec, "hostname", pod.name).substr(0, 63);
  out.host_network = pod.host_network();
  out.host_pid = bool_or(spec, "hostPID");
  out.host_ipc = bool_or(spec, "hostIPC");
  out.share_process_namespace = bool_or(spec, "shareProcessNamespace");
  out.resolv_conf = make_resolv_conf(pod, dns);
  out.hosts = make_hosts_file(pod);
  return out;
}

Result<proc::ContainerSpec> make_container_spec(const PodRecord& pod,
                                                const ContainerRecord& container,
                                                const Variables& variables,
                                                const std::vector<VolumeMount>& mounts) {
  const Json& spec = pod.spec_of(container);
  proc::ContainerSpec out;
  out.id = new_runtime_id();
  out.sandbox_id = pod.sandbox_id;
  out.labels = {{labels::pod_name, pod.name},
                {labels::pod_namespace, pod.namespace_name},
                {labels::pod_uid, pod.uid},
                {labels::container_name, container.name},
                {labels::restart_count, std::to_string(container.restarts)}};
  out.image = string_or(spec, "image");
  out.command = expanded(member(spec, "command"), variables);
  out.args = expanded(member(spec, "args"), variables);
  for (const auto& [name, value] : variables) out.env.push_back({name, value});
  out.working_dir = string_or(spec, "workingDir");
  out.stdin_open = bool_or(spec, "stdin");
  out.stdin_once = bool_or(spec, "stdinOnce");
  out.tty = bool_or(spec, "tty");
  for (const auto& mount : mounts) {
    out.mounts.push_back({mount.host_path, mount.container_path, mount.read_only, mount.no_links});
  }
  out.security = security_of(pod, spec);
  HOP_TRY(out.resources.memory_limit_bytes, limit_of(spec, "memory", false));
  HOP_TRY(out.resources.cpu_limit_millis, limit_of(spec, "cpu", true));
  out.log.path = log_path(pod, container, container.restarts);
  return out;
}

}  // namespace hoplab::agent
