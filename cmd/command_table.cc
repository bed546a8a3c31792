#include <array>

#include "cmd/command.h"

namespace hoplab::cmd {

extern const Command tunnel_command;
extern const Command capture_command;
extern const Command tcpdump_command;
extern const Command version_command;

namespace {

const std::array all_commands{
    &tunnel_command,
    &capture_command,
    &tcpdump_command,
    &version_command,
};

}  // namespace

std::span<const Command* const> command_table() {
  return all_commands;
}

}  // namespace hoplab::cmd
