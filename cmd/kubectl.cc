#include "cmd/kubectl.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "cmd/running_cluster.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

extern const Verb get_verb, apply_verb, create_verb, replace_verb, delete_verb, describe_verb,
    scale_verb, label_verb, annotate_verb, logs_verb, exec_verb, attach_verb, rollout_verb,
    wait_verb, version_verb, cluster_info_verb, api_resources_verb, api_versions_verb, config_verb,
    top_verb;

namespace {

constexpr std::array all_verbs{
    &create_verb,       &get_verb,           &delete_verb,       &rollout_verb, &scale_verb,
    &cluster_info_verb, &describe_verb,      &top_verb,          &logs_verb,    &attach_verb,
    &exec_verb,         &apply_verb,         &replace_verb,      &wait_verb,    &label_verb,
    &annotate_verb,     &api_resources_verb, &api_versions_verb, &config_verb,  &version_verb,
};

constexpr std::array global_flags{
    FlagSpec{"kubeconfig", 0, FlagKind::value, "", "Path of the kubeconfig file to use."},
    FlagSpec{"context", 0, FlagKind::value, "", "The context of the kubeconfig to use."},
    FlagSpec{"namespace", 'n', FlagKind::value, "", "The namespace of this request."},
    FlagSpec{"server", 's', FlagKind::value, "", "Address of the API server."},
    FlagSpec{"request-timeout", 0, FlagKind::value, "0", "Accepted; requests end after a minute."},
    FlagSpec{"v", 'v', FlagKind::value, "0", "Accepted, without effect."},
    FlagSpec{"help", 'h', FlagKind::boolean, "", "Show this help."},
};

void print_overview(std::ostream& out) {
  out << "hoplab kubectl looks at and changes the objects of a cluster, as kubectl does.\n\n"
         "Usage:\n  kubectl VERB [flags]\n\nVerbs:\n";
  for (const Verb* verb : all_verbs) {
    out << "  " << verb->name << std::string(15 - verb->name.size(), ' ') << verb->about << "\n";
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

/// The first file of KUBECONFIG that exists, as kubectl skips missing ones.
std::string kubeconfig_of_environment() {
  const char* paths = std::getenv("KUBECONFIG");
  if (paths == nullptr) return {};
  for (std::string_view path : split(paths, ':')) {
    if (!path.empty() && ::access(std::string(path).c_str(), F_OK) == 0) return std::string(path);
  }
  return {};
}

}  // namespace

Result<std::string> kubeconfig_path(const Session& session) {
  if (session.flags.given("kubeconfig")) return session.flags.get("kubeconfig");
  // A cluster that was chosen by name wins over the environment's.
  if (!session.invocation->cluster_chosen) {
    if (std::string path = kubeconfig_of_environment(); !path.empty()) return path;
  }
  HOP_TRY(auto cluster, find_running_cluster(*session.invocation));
  return cluster.kubeconfig();
}

namespace {

Result<void> connect(Session& session) {
  web::ClientConfig config;
  auto path = kubeconfig_path(session);
  if (!path && !session.flags.given("server")) return local_error(path.error().message());
  if (path) {
    auto loaded = web::load_kubeconfig(*path, session.flags.get("context"));
    if (!loaded) return local_error(loaded.error().message());
    config = *std::move(loaded);
  }
  if (session.flags.given("server")) config.server = session.flags.get("server");
  if (!config.namespace_name.empty()) session.namespace_name = config.namespace_name;
  HOP_TRY(session.client, web::Client::open(config));
  return {};
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

/// Flags of every verb may stand before it: `kubectl -n kube-system get pods`.
size_t find_verb_word(const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (!args[i].starts_with('-')) return i;
    auto spec = std::find_if(global_flags.begin(), global_flags.end(), [&](const FlagSpec& flag) {
      return args[i] == str("--", flag.name) ||
             (flag.letter != 0 && args[i] == str("-", flag.letter));
    });
    if (spec != global_flags.end() && spec->kind == FlagKind::value) ++i;
  }
  return args.size();
}

int run(const Invocation& invocation) {
  size_t at = find_verb_word(invocation.args);
  if (at == invocation.args.size() || invocation.args[at] == "help") {
    print_overview(std::cout);
    return exit_ok;
  }
  const std::string& name = invocation.args[at];
  auto found = std::find_if(all_verbs.begin(), all_verbs.end(),
                            [&](const Verb* verb) { return verb->name == name; });
  if (found == all_verbs.end()) {
    std::cerr << "Error: unknown command \"" << name
              << "\" for \"kubectl\"\nRun 'kubectl --help' for usage.\n";
    return exit_failure;
  }
  const Verb& verb = **found;
  std::vector<std::string> args = invocation.args;
  args.erase(args.begin() + static_cast<long>(at));
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
  Session session;
  session.invocation = &invocation;
  session.verb = verb.name;
  session.flags = *std::move(flags);
  return run_verb(verb, session);
}

}  // namespace

std::string object_name(const api::Kind& kind, const std::string& name) {
  std::string out = to_lower(kind.kind);
  if (!kind.group.empty()) out += str(".", kind.group);
  return out + "/" + name;
}

std::string namespace_for(const Session& session, const api::Kind& kind) {
  return kind.namespaced ? session.namespace_name : std::string();
}

}  // namespace hoplab::cmd::kubectl

namespace hoplab::cmd {

extern const Command kubectl_command;
const Command kubectl_command{"kubectl", "look at and change the cluster's objects", kubectl::run};

}  // namespace hoplab::cmd
