// hoplab: reads the verb and hands over to the command table. Programs whose habits learners have
// are also found by the name we are called under: `kubectl` -> `hoplab kubectl`.

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <string>

#include "cmd/command.h"
#include "cmd/nearest.h"
#include "runtime/base/text.h"

namespace {

using hoplab::cmd::Command;
using hoplab::cmd::command_table;
using hoplab::cmd::Invocation;

const Command* find_command(std::string_view name) {
  auto table = command_table();
  auto it = std::find_if(table.begin(), table.end(),
                         [name](const Command* command) { return command->name == name; });
  return it == table.end() ? nullptr : *it;
}

void print_help(std::ostream& out) {
  out << "hoplab shows how container and Kubernetes networking works, on the real kernel.\n\n"
         "Usage:\n  hoplab [--cluster NAME] VERB [flags]\n\nVerbs:\n";
  for (const Command* command : command_table()) {
    if (command->hidden) continue;
    out << "  " << std::left << std::setw(12) << command->name << " " << command->summary << "\n";
  }
  out << "\nFirst steps:\n"
         "  hoplab up                    start the five-host cluster\n"
         "  hoplab shell k8s-w1          open a shell on a node\n"
         "  hoplab kubectl get pods -A   look at it\n"
         "  hoplab down                  remove every trace\n\n"
         "\"hoplab VERB --help\" tells more and shows examples. The cluster is chosen by\n"
         "--cluster or HOPLAB_CLUSTER; the default is k8s.\n";
}

int usage_error(const std::string& message) {
  std::cerr << "hoplab: " << message << "\nSee \"hoplab --help\".\n";
  return hoplab::cmd::exit_usage;
}

std::string unknown_verb(const std::string& typed) {
  std::vector<std::string_view> verbs;
  for (const Command* command : command_table()) {
    if (!command->hidden) verbs.push_back(command->name);
  }
  const std::string_view meant = hoplab::cmd::nearest(typed, verbs);
  return hoplab::str("unknown verb \"", typed, "\"",
                     meant.empty() ? "" : hoplab::str("; did you mean \"", meant, "\"?"));
}

/// `hoplab --cluster up`: the name was forgotten and the verb taken for it.
bool took_a_verb(const std::string& cluster, int next, int argc, char** argv) {
  if (find_command(cluster) == nullptr) return false;
  if (next >= argc) return true;
  const std::string_view after = argv[next];
  return after.starts_with("-") && after != "--help" && after != "-h" && after != "--version";
}

int run(int argc, char** argv) {
  Invocation invocation;
  const char* from_environment = std::getenv("HOPLAB_CLUSTER");
  invocation.cluster_chosen = from_environment != nullptr && *from_environment != '\0';
  invocation.cluster = invocation.cluster_chosen ? from_environment : "k8s";

  std::string own_name = argc > 0 ? argv[0] : "hoplab";
  own_name.erase(0, own_name.find_last_of('/') + 1);
  int at = 1;
  const Command* command = own_name == "hoplab" ? nullptr : find_command(own_name);
  if (command == nullptr) {
    for (; at < argc; ++at) {
      std::string arg = argv[at];
      if (arg == "--cluster") {
        if (at + 1 >= argc) return usage_error("--cluster needs a name");
        invocation.cluster = argv[++at];
        invocation.cluster_chosen = true;
        if (took_a_verb(invocation.cluster, at + 1, argc, argv)) {
          return usage_error("--cluster needs a name: hoplab --cluster NAME " + invocation.cluster);
        }
      } else if (arg.starts_with("--cluster=")) {
        invocation.cluster = arg.substr(arg.find('=') + 1);
        invocation.cluster_chosen = true;
      } else if (arg == "--help" || arg == "-h" || arg == "help") {
        print_help(std::cout);
        return hoplab::cmd::exit_ok;
      } else if (arg == "--version") {
        command = find_command("version");
        break;
      } else if (arg.starts_with("-")) {
        return usage_error("unknown flag \"" + arg + "\"");
      } else {
        command = find_command(arg);
        if (command == nullptr) return usage_error(unknown_verb(arg));
        ++at;
        break;
      }
    }
    if (command == nullptr) {
      print_help(std::cerr);
      return hoplab::cmd::exit_usage;
    }
    if (at < argc && std::string_view(argv[at]) == "--version") ++at;
  }
  invocation.args.assign(argv + std::min(at, argc), argv + argc);
  return command->run(invocation);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "hoplab: internal error: " << e.what() << "\n";
    return hoplab::cmd::exit_failure;
  }
}
