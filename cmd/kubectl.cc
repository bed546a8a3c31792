#include "cmd/kubectl.h"

#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/nearest.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

extern const Verb create_verb, get_verb, delete_verb, rollout_history_verb, rollout_pause_verb,
    rollout_restart_verb, rollout_resume_verb, rollout_status_verb, rollout_undo_verb, scale_verb,
    cluster_info_verb, top_verb, describe_verb, logs_verb, attach_verb, exec_verb, apply_verb,
    replace_verb, wait_verb, label_verb, annotate_verb, api_resources_verb, api_versions_verb,
    config_verb, version_verb;

namespace {

// In the order of kubectl's own table: it suggests verbs in this order.
constexpr std::array all_verbs{
    &create_verb,         &get_verb,
    &delete_verb,         &rollout_history_verb,
    &rollout_pause_verb,  &rollout_restart_verb,
    &rollout_resume_verb, &rollout_status_verb,
    &rollout_undo_verb,   &scale_verb,
    &cluster_info_verb,   &top_verb,
    &describe_verb,       &logs_verb,
    &attach_verb,         &exec_verb,
    &apply_verb,          &replace_verb,
    &wait_verb,           &label_verb,
    &annotate_verb,       &api_resources_verb,
    &api_versions_verb,   &config_verb,
    &version_verb,
};

constexpr std::array global_flags{
    FlagSpec{"kubeconfig", 0, FlagKind::value, "", "Path of the kubeconfig file to use."},
    FlagSpec{"context", 0, FlagKind::value, "", "The context of the kubeconfig to use."},
    FlagSpec{"namespace", 'n', FlagKind::value, "", "The namespace of this request."},
    FlagSpec{"server", 's', FlagKind::value, "", "Address of the API server."},
    FlagSpec{"token", 0, FlagKind::value, "", "Bearer token to use instead of a certificate."},
    FlagSpec{"help", 'h', FlagKind::boolean, "", "Show this help."},
    // What scripts pass and what makes no difference here.
    FlagSpec{"request-timeout", 0, FlagKind::value, "0"},
    FlagSpec{"v", 'v', FlagKind::number, "0"},
    FlagSpec{"cache-dir", 0, FlagKind::value},
    FlagSpec{"match-server-version"},
    FlagSpec{"warnings-as-errors"},
    FlagSpec{"record"},
    FlagSpec{"field-manager", 0, FlagKind::value},
    FlagSpec{"allow-missing-template-keys", 0, FlagKind::boolean, "true"},
};

/// Verbs of the real kubectl that we have not.
constexpr std::array<std::string_view, 18> elsewhere{
    "alpha",  "auth",      "autoscale", "certificate", "completion", "cordon",
    "cp",     "debug",     "diff",      "drain",       "edit",       "explain",
    "expose", "kustomize", "plugin",    "proxy",       "taint",      "uncordon"};

std::string_view first_word(std::string_view name) {
  return name.substr(0, name.find(' '));
}

void print_overview(std::ostream& out) {
  out << "hoplab kubectl looks at and changes the objects of a cluster, as kubectl does.\n\n"
         "Usage:\n  kubectl VERB [flags]\n\nVerbs:\n";
  for (const Verb* verb : all_verbs) {
    out << "  " << verb->name << std::string(24 - verb->name.size(), ' ') << verb->about << "\n";
  }
  out << "\nExamples:\n  kubectl get pods -A -o wide\n  kubectl apply -f web.yaml\n"
         "  kubectl exec -it web -- sh\n\nFlags of every verb:\n"
      << flags_help(global_flags)
      << "\nThe cluster is that of --kubeconfig, else of KUBECONFIG, else the hoplab cluster that\n"
         "is up. Use \"kubectl VERB --help\" for more about a verb.\n";
}

void print_help(const Verb& verb) {
  std::cout << verb.about << "\n\nExamples:\n"
            << verb.examples << "\nOptions:\n"
            << flags_help(verb.flags) << flags_help(global_flags) << "\nUsage:\n  kubectl "
            << verb.usage << "\n";
}

/// `rollout` alone: what there is below it.
void print_group(std::string_view group) {
  std::cout << "Usage:\n  kubectl " << group << " SUBCOMMAND [flags]\n\nAvailable Commands:\n";
  for (const Verb* verb : all_verbs) {
    if (!verb->name.starts_with(str(group, " "))) continue;
    const std::string_view rest = verb->name.substr(group.size() + 1);
    std::cout << "  " << rest << std::string(17 - rest.size(), ' ') << verb->about << "\n";
  }
  std::cout << "\nExamples:\n";
  for (const Verb* verb : all_verbs) {
    if (verb->name.starts_with(str(group, " "))) std::cout << verb->examples;
  }
  std::cout << "\nUse \"kubectl " << group << " SUBCOMMAND --help\" for more about one.\n";
}

int run_verb(const Verb& verb, Session& session) {
  session.namespace_name = "default";
  if (verb.needs_server) {
    if (auto connected = connect(session); !connected) {
      return print_error(session, connected.error());
    }
  }
  session.namespace_given = session.flags.given("namespace");
  if (session.namespace_given) session.namespace_name = session.flags.get("namespace");
  auto ran = verb.run(session);
  std::cout.flush();
  return ran ? *ran : print_error(session, ran.error());
}

/// The index of the first plain word from `at` on: flags of every verb may stand before it, as in
/// `kubectl -n kube-system get pods`.
size_t find_word(const std::vector<std::string>& args, size_t at) {
  for (; at < args.size(); ++at) {
    if (!args[at].starts_with('-')) return at;
    auto spec = std::find_if(global_flags.begin(), global_flags.end(), [&](const FlagSpec& flag) {
      return args[at] == str("--", flag.name) ||
             (flag.letter != 0 && args[at] == str("-", flag.letter));
    });
    if (spec != global_flags.end() && spec->kind != FlagKind::boolean) ++at;
  }
  return args.size();
}

const Verb* find_verb(std::string_view name) {
  for (const Verb* verb : all_verbs) {
    if (verb->name == name) return verb;
    if (std::find(verb->aliases.begin(), verb->aliases.end(), name) != verb->aliases.end()) {
      return verb;
    }
  }
  return nullptr;
}

int unknown_command(const Invocation& invocation, const std::string& name) {
  std::cerr << "Error: unknown command \"" << name << "\" for \"kubectl\"\n";
  if (std::find(elsewhere.begin(), elsewhere.end(), name) != elsewhere.end()) {
    std::cerr << "hoplab's own kubectl has no such verb. The real kubectl works, too:\n"
                 "  KUBECONFIG=$("
              << command_for(invocation, "kubeconfig") << ") kubectl " << name << "\n";
    return exit_failure;
  }
  std::string suggestions;
  std::string_view last;
  for (const Verb* verb : all_verbs) {
    const std::string_view word = first_word(verb->name);
    if (word == last) continue;
    last = word;
    if (edit_distance(to_lower(name), word) <= 2 || word.starts_with(to_lower(name))) {
      suggestions += str("\t", word, "\n");
    }
  }
  if (!suggestions.empty()) std::cerr << "\nDid you mean this?\n" << suggestions << "\n";
  std::cerr << "Run 'kubectl --help' for usage.\n";
  return exit_failure;
}

int run_with_flags(const Invocation& invocation, const Verb& verb,
                   const std::vector<std::string>& args) {
  std::vector<FlagSpec> specs(verb.flags.begin(), verb.flags.end());
  specs.insert(specs.end(), global_flags.begin(), global_flags.end());
  auto flags = Flags::parse(std::move(specs), args);
  if (!flags) {
    std::cerr << "Error: " << flags.error().message() << "\nSee 'kubectl " << verb.name
              << " --help' for usage.\n";
    return exit_failure;
  }
  if (flags->on("help")) {
    print_help(verb);
    return exit_ok;
  }
  if (flags->given("kustomize")) {
    std::cerr << "error: hoplab's own kubectl builds no kustomizations. With the real one:\n"
                 "  kubectl kustomize "
              << flags->get("kustomize") << " | hoplab kubectl " << verb.name << " -f -\n";
    return exit_failure;
  }
  Session session;
  session.invocation = &invocation;
  session.verb = verb.name;
  session.flags = *std::move(flags);
  return run_verb(verb, session);
}

int run_kubectl(const Invocation& invocation) {
  std::vector<std::string> args = invocation.args;
  size_t at = find_word(args, 0);
  if (at < args.size() && args[at] == "help") {
    args.erase(args.begin() + static_cast<long>(at));
    args.emplace_back("--help");
    at = find_word(args, 0);
  }
  if (at == args.size()) {
    print_overview(std::cout);
    return exit_ok;
  }
  std::string name = args[at];
  args.erase(args.begin() + static_cast<long>(at));
  const size_t second = find_word(args, at);
  const Verb* verb = second < args.size() ? find_verb(name + " " + args[second]) : nullptr;
  if (verb != nullptr) {
    args.erase(args.begin() + static_cast<long>(second));
    return run_with_flags(invocation, *verb, args);
  }
  if (verb = find_verb(name); verb != nullptr) return run_with_flags(invocation, *verb, args);
  const bool group = std::any_of(all_verbs.begin(), all_verbs.end(),
                                 [&](const Verb* one) { return first_word(one->name) == name; });
  if (!group) return unknown_command(invocation, name);
  print_group(name);
  const bool asked = std::find_if(args.begin(), args.end(), [](const std::string& arg) {
                       return arg == "--help" || arg == "-h";
                     }) != args.end();
  return asked ? exit_ok : exit_failure;
}

}  // namespace

}  // namespace hoplab::cmd::kubectl

namespace hoplab::cmd {

extern const Command kubectl_command;
const Command kubectl_command{"kubectl", "look at and change the cluster's objects",
                              kubectl::run_kubectl};

}  // namespace hoplab::cmd
