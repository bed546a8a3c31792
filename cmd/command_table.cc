#include <array>

#include "cmd/command.h"

namespace hoplab::cmd {

extern const Command up_command;
extern const Command down_command;
extern const Command status_command;
extern const Command list_command;
extern const Command shell_command;
extern const Command capture_command;
extern const Command why_command;
extern const Command doctor_command;
extern const Command kubeconfig_command;
extern const Command kubectl_command;
extern const Command docker_command;
extern const Command dockerd_command;
extern const Command docker_proxy_command;
extern const Command calicoctl_command;
extern const Command brctl_command;
extern const Command lab_command;
extern const Command demo_command;
extern const Command server_command;
extern const Command agent_command;
extern const Command version_command;
extern const Command completion_command;
extern const Command calico_node_command;
extern const Command nginx_command;
extern const Command node_init_command;
extern const Command tunnel_command;
extern const Command tcpdump_command;
extern const Command kube_proxy_command;
extern const Command whoami_command;
extern const Command sandbox_init_command;
extern const Command sudo_command;
extern const Command next_command;
extern const Command check_command;
extern const Command hint_command;
extern const Command goto_command;
extern const Command reset_command;

namespace {

// One command a line, so that additions merge.
// clang-format off
const std::array all_commands{
    &up_command,
    &down_command,
    &status_command,
    &list_command,
    &shell_command,
    &capture_command,
    &why_command,
    &doctor_command,
    &kubeconfig_command,
    &kubectl_command,
    &docker_command,
    &calicoctl_command,
    &brctl_command,
    &lab_command,
    &demo_command,
    &server_command,
    &agent_command,
    &version_command,
    &completion_command,
    &calico_node_command,
    &nginx_command,
    &node_init_command,
    &dockerd_command,
    &docker_proxy_command,
    &tunnel_command,
    &tcpdump_command,
    &kube_proxy_command,
    &whoami_command,
    &sandbox_init_command,
    &sudo_command,
    &next_command,
    &check_command,
    &hint_command,
    &goto_command,
    &reset_command,
};
// clang-format on

}  // namespace

std::span<const Command* const> command_table() {
  return all_commands;
}

}  // namespace hoplab::cmd
