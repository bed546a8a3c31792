#include "cmd/docker.h"

#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/docker_host.h"
#include "cmd/nearest.h"
#include "runtime/base/text.h"
#include "runtime/image/folder.h"

namespace hoplab::cmd::docker {

extern const Verb attach_verb;
extern const Verb container_prune_verb;
extern const Verb create_verb;
extern const Verb exec_verb;
extern const Verb history_verb;
extern const Verb image_inspect_verb;
extern const Verb image_prune_verb;
extern const Verb images_verb;
extern const Verb import_verb;
extern const Verb inspect_verb;
extern const Verb kill_verb;
extern const Verb load_verb;
extern const Verb logs_verb;
extern const Verb network_connect_verb;
extern const Verb network_create_verb;
extern const Verb network_disconnect_verb;
extern const Verb network_inspect_verb;
extern const Verb network_ls_verb;
extern const Verb network_prune_verb;
extern const Verb network_rm_verb;
extern const Verb port_verb;
extern const Verb ps_verb;
extern const Verb rename_verb;
extern const Verb restart_verb;
extern const Verb rm_verb;
extern const Verb rmi_verb;
extern const Verb run_verb;
extern const Verb save_verb;
extern const Verb start_verb;
extern const Verb stop_verb;
extern const Verb tag_verb;
extern const Verb top_verb;
extern const Verb wait_verb;

namespace {

// clang-format off
const std::array all_verbs{
    &attach_verb,
    &container_prune_verb,
    &create_verb,
    &exec_verb,
    &history_verb,
    &image_inspect_verb,
    &image_prune_verb,
    &images_verb,
    &import_verb,
    &inspect_verb,
    &kill_verb,
    &load_verb,
    &logs_verb,
    &network_connect_verb,
    &network_create_verb,
    &network_disconnect_verb,
    &network_inspect_verb,
    &network_ls_verb,
    &network_prune_verb,
    &network_rm_verb,
    &port_verb,
    &ps_verb,
    &rename_verb,
    &restart_verb,
    &rm_verb,
    &rmi_verb,
    &run_verb,
    &save_verb,
    &start_verb,
    &stop_verb,
    &tag_verb,
    &top_verb,
    &wait_verb,
};
// clang-format on

constexpr FlagSpec help_flag{"help", 0, FlagKind::boolean, "", "Print usage"};

void print_overview(std::ostream& out) {
  out << "\nUsage:  docker COMMAND\n\nhoplab's own docker: docker's commands on what hoplab runs.\n"
         "\nCommands:\n";
  for (const Verb* verb : all_verbs) {
    std::string name(verb->name);
    name.resize(std::max<size_t>(name.size() + 1, 16), ' ');
    out << "  " << name << verb->about << "\n";
  }
  out << "\nRun 'docker COMMAND --help' for more information on a command.\n";
}

void print_help(const Verb& verb) {
  std::cout << "\nUsage:  docker " << verb.usage << "\n\n" << verb.about << "\n";
  if (!verb.aliases.empty()) {
    std::cout << "\nAliases:\n ";
    for (std::string_view alias : verb.aliases) std::cout << " docker " << alias;
    std::cout << "\n";
  }
  if (!verb.examples.empty()) std::cout << "\nExamples:\n" << verb.examples;
  if (!verb.flags.empty()) std::cout << "\n" << kubectl::flags_help(verb.flags);
}

const Verb* find_verb(std::string_view name) {
  for (const Verb* verb : all_verbs) {
    if (verb->name == name ||
        std::find(verb->aliases.begin(), verb->aliases.end(), name) != verb->aliases.end()) {
      return verb;
    }
  }
  return nullptr;
}

int unknown_command(const std::string& name) {
  std::cerr << "docker: '" << name << "' is not a docker command.\n";
  std::vector<std::string_view> names;
  for (const Verb* verb : all_verbs) names.push_back(verb->name);
  if (std::string_view meant = nearest(name, names); !meant.empty()) {
    std::cerr << "Did you mean 'docker " << meant << "'?\n";
  }
  std::cerr << "See 'docker --help'\n";
  return exit_failure;
}

/// docker's words: `"docker tag" requires exactly 2 arguments.`
std::string wanted_arguments(const Verb& verb) {
  const auto counted = [](size_t n) { return str(n, n == 1 ? " argument" : " arguments"); };
  if (verb.most == 0) return "accepts no arguments";
  if (verb.least == verb.most) return "requires exactly " + counted(verb.least);
  if (verb.most > 100) return "requires at least " + counted(verb.least);
  if (verb.least == 0) return "requires at most " + counted(verb.most);
  return str("requires at least ", verb.least, " and at most ", counted(verb.most));
}

void tell_usage(const Verb& verb, std::string_view message) {
  std::cerr << message << "\nSee 'docker " << verb.name << " --help'.\n\nUsage:  docker "
            << verb.usage << "\n";
}

int run_verb(const Invocation& invocation, const Verb& verb, const std::vector<std::string>& args) {
  std::vector<FlagSpec> specs(verb.flags.begin(), verb.flags.end());
  specs.push_back(help_flag);
  auto flags = Flags::parse(std::move(specs), args, verb.flags_first);
  if (!flags) {
    tell_usage(verb, flags.error().message());
    return exit_docker_usage;
  }
  if (flags->on("help")) {
    print_help(verb);
    return exit_ok;
  }
  size_t count = flags->args().size();
  if (count < verb.least || count > verb.most) {
    tell_usage(verb, str("\"docker ", verb.name, "\" ", wanted_arguments(verb), "."));
    return exit_failure;  // As docker: 1 for arguments, 125 for flags.
  }
  if (verb.on_host && !is_on_host()) return run_on_host(invocation);
  Session session{&invocation, verb.name, *std::move(flags)};
  auto ran = verb.run(session);
  std::cout.flush();
  return ran ? *ran : print_error(ran.error());
}

int run_docker(const Invocation& invocation) {
  std::vector<std::string> args = invocation.args;
  if (args.empty() || args[0] == "--help" || args[0] == "-h" ||
      (args[0] == "help" && args.size() == 1)) {
    print_overview(std::cout);
    return exit_ok;
  }
  if (args[0] == "help") {
    args.erase(args.begin());
    args.emplace_back("--help");
  }
  if (args.size() > 1) {
    if (const Verb* verb = find_verb(args[0] + " " + args[1])) {
      return run_verb(invocation, *verb, {args.begin() + 2, args.end()});
    }
  }
  if (const Verb* verb = find_verb(args[0])) {
    return run_verb(invocation, *verb, {args.begin() + 1, args.end()});
  }
  return unknown_command(args[0]);
}

}  // namespace

int print_error(const Error& error) {
  std::cerr << "Error response from daemon: " << error.message() << "\n";
  return exit_failure;
}

void print_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::cerr << "note: " << note << "\n";
}

bool confirmed(std::string_view what_happens) {
  std::cout << "WARNING! " << what_happens << "\nAre you sure you want to continue? [y/N] "
            << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return to_lower(trim(answer)) == "y";
}

Result<image::ImageStore> open_images() {
  return image::ImageStore::open(images_folder(), image::own_whiteouts());
}

}  // namespace hoplab::cmd::docker

namespace hoplab::cmd {

extern const Command docker_command;
const Command docker_command{"docker", "containers and images, with docker's commands",
                             docker::run_docker};

}  // namespace hoplab::cmd
