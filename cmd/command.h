#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hoplab::cmd {

/// Exit codes of every hoplab command.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

/// What stands before and after the verb: `hoplab --cluster NAME VERB args...`.
struct Invocation {
  std::string cluster;            ///< --cluster, else HOPLAB_CLUSTER, else "k8s".
  bool cluster_chosen = false;    ///< By flag or environment; otherwise it is only the default.
  std::vector<std::string> args;  ///< Everything after the verb.
};

/// One row of the command table. Each subcommand is one file that defines one of these.
struct Command {
  std::string_view name;
  std::string_view summary;  ///< One line for `hoplab --help`.
  int (*run)(const Invocation& invocation);
  bool hidden = false;  ///< Processes of a sandbox (sandbox-init, …), not for people.
};

/// Every command, in the order `--help` shows them.
std::span<const Command* const> command_table();

}  // namespace hoplab::cmd
