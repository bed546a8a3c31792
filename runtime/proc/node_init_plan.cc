#include "runtime/proc/node_init_plan.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/proc/container_program.h"

namespace hoplab::proc {

namespace {

UserWish user_wish(const SecuritySpec& security, const Image& image) {
  return {image.user, security.run_as_user, security.run_as_group};
}

std::vector<EnvVar> complete_environment(const ContainerSpec& spec, const Image& image,
                                         const std::string& hostname) {
  std::vector<EnvVar> env{{"PATH", default_path}, {"HOSTNAME", hostname}};
  if (spec.tty) env.push_back({"TERM", "xterm"});
  env.insert(env.end(), image.env.begin(), image.env.end());
  // Otherwise the container's /etc/passwd says it.
  if (user_wish(spec.security, image).empty()) env.push_back({"HOME", "/root"});
  env.insert(env.end(), spec.env.begin(), spec.env.end());
  return env;
}

Result<Credentials> credentials_of(const SecuritySpec& security) {
  Credentials who;
  who.user = security.run_as_user.value_or(0);
  who.group = security.run_as_group.value_or(0);
  who.supplemental_groups = security.supplemental_groups;
  who.no_new_privileges = security.no_new_privileges;
  HOP_TRY(who.capabilities, container_capabilities(security.privileged, security.add_capabilities,
                                                   security.drop_capabilities));
  return who;
}

/// Capabilities that were asked for by name but that this node itself does not have.
void note_missing(CapabilitySet missing, std::vector<std::string>& notes) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < 64; ++i) {
    if ((missing >> i & 1U) != 0) names.push_back(capability_name(i));
  }
  if (!names.empty()) {
    notes.push_back("capabilities this node does not have itself: " + join(names, ", "));
  }
}

}  // namespace

uint64_t writable_limit(uint64_t memory_bytes) {
  return std::clamp<uint64_t>(memory_bytes / 10, 64U << 20U, 1U << 30U);
}

Result<StartPlan> plan_container(const ContainerSpec& spec, const PodSandboxSpec& sandbox,
                                 const Image& image, const NodeFacts& node) {
  StartPlan plan;
  std::string hostname =
      sandbox.host_network || sandbox.hostname.empty() ? node.hostname : sandbox.hostname;
  plan.program.command = command_line(image, spec.command, spec.args);
  plan.program.env = complete_environment(spec, image, hostname);
  plan.program.working_dir = spec.working_dir.empty() ? image.working_dir : spec.working_dir;
  plan.program.tty = spec.tty;
  plan.program.user = user_wish(spec.security, image);
  HOP_TRY(plan.program.credentials, credentials_of(spec.security));
  if (!spec.security.privileged) {
    note_missing(plan.program.credentials.capabilities & ~node.available, plan.notes);
  }
  plan.root.os_name = image.name.substr(image.name.rfind('/') + 1);
  plan.root.hostname = hostname;
  plan.root.hosts = sandbox.hosts;
  plan.root.resolv_conf = sandbox.resolv_conf.empty() ? node.resolv_conf : sandbox.resolv_conf;
  plan.root.privileged = spec.security.privileged;
  plan.root.read_only = spec.security.read_only_root;
  plan.root.executable = node.executable;
  if (image.name == "pause") plan.root.pause_program = node.pause_program;
  plan.root.programs = image.programs;
  plan.root.files = image.files;
  plan.root.layers = image.layers;
  plan.root.mounts = spec.mounts;
  plan.root.writable_bytes = node.writable_bytes;
  plan.stop_signal = image.stop_signal;
  return plan;
}

ProgramPlan plan_exec(const ExecSpec& spec, const ProgramPlan& container) {
  ProgramPlan plan = container;
  plan.command = spec.command;
  plan.tty = spec.tty;
  plan.rows = spec.rows;
  plan.columns = spec.columns;
  plan.input = plan.output = plan.error = -1;
  plan.cgroup_join_files.clear();
  if (spec.tty) plan.env.push_back({"TERM", "xterm"});
  plan.env.insert(plan.env.end(), spec.env.begin(), spec.env.end());
  if (!spec.working_dir.empty()) plan.working_dir = spec.working_dir;
  return plan;
}

}  // namespace hoplab::proc
