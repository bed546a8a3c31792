#include "cmd/calicoctl.h"

#include <array>
#include <iostream>

#include "cmd/kubectl.h"
#include "cmd/nearest.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::calicoctl {

namespace {

using kubectl::FlagKind;
using kubectl::Flags;
using kubectl::FlagSpec;

constexpr const char* usage =
    "Usage:\n"
    "  calicoctl get (workloadendpoint|ippool|node) [NAME...] [-n NAMESPACE|-A] [-o "
    "ps|wide|yaml|json]\n"
    "  calicoctl ipam show [--show-blocks|--show-borrowed|--show-configuration|--ip=IP]\n"
    "  calicoctl ipam check\n"
    "  calicoctl node status\n"
    "  calicoctl version\n"
    "\n"
    "Examples:\n"
    "  calicoctl get workloadendpoints -n kube-system\n"
    "  calicoctl ipam show --show-blocks\n"
    "  calicoctl ipam show --ip=172.16.158.1\n";

constexpr std::array<FlagSpec, 12> flag_specs{{
    {"namespace", 'n', FlagKind::value},
    {"all-namespaces", 'A', FlagKind::boolean},
    {"output", 'o', FlagKind::value},
    {"config", 'c', FlagKind::value},
    {"show-blocks", 0, FlagKind::boolean},
    {"show-borrowed", 0, FlagKind::boolean},
    {"show-configuration", 0, FlagKind::boolean},
    {"ip", 0, FlagKind::value},
    {"show-all-ips", 0, FlagKind::boolean},
    {"show-problem-ips", 0, FlagKind::boolean},
    {"allow-version-mismatch", 0, FlagKind::boolean},
    {"help", 'h', FlagKind::boolean},
}};

int wrong_usage(std::string_view message) {
  std::cerr << "calicoctl: " << message << "\n" << usage;
  return exit_usage;
}

/// The routes of hoplab's calico-node come from the API; there is no BGP to tell about.
Result<std::string> node_status() {
  return std::string(
      "Calico process is running.\n\nIPv4 BGP status\nNo IPv4 peers found.\n\n"
      "IPv6 BGP status\nNo IPv6 peers found.\n\n");
}

Result<std::string> run_ipam(Session& session, const Flags& flags) {
  const std::string& verb = flags.args()[1];
  if (verb == "check") return ipam_check(session.client);
  return ipam_show(session.client, {flags.on("show-blocks"), flags.on("show-borrowed"),
                                    flags.on("show-configuration"), flags.get("ip")});
}

Result<std::string> run_verb(const Invocation& invocation, const Flags& flags) {
  kubectl::Session api;
  api.invocation = &invocation;
  api.namespace_name = "default";
  HOP_CHECK(kubectl::connect(api));
  Session session{*api.client, "default", flags.given("namespace"), flags.on("all-namespaces"),
                  flags.get("output")};
  if (session.namespace_given) session.namespace_name = flags.get("namespace");
  const std::vector<std::string>& args = flags.args();
  if (args[0] == "ipam") return run_ipam(session, flags);
  return get_resource(session, args[1], {args.begin() + 2, args.end()});
}

/// "" when the words are a command we have.
std::string mistake_in(const Flags& flags) {
  const std::vector<std::string>& args = flags.args();
  constexpr std::array<std::string_view, 4> verbs{"get", "ipam", "node", "version"};
  if (std::find(verbs.begin(), verbs.end(), args[0]) == verbs.end()) {
    std::string_view meant = nearest(args[0], std::vector(verbs.begin(), verbs.end()));
    return str("hoplab's calicoctl has no command \"", args[0], "\"",
               meant.empty() ? "" : str("; did you mean \"", meant, "\"?"));
  }
  if (args[0] == "version") return {};
  if (args.size() < 2) return str("\"", args[0], "\" needs a further word");
  if (args[0] == "ipam" && args[1] != "show" && args[1] != "check") {
    return str("hoplab's calicoctl has no \"ipam ", args[1], "\"");
  }
  if (args[0] == "node" && args[1] != "status") {
    return str("hoplab's calicoctl has no \"node ", args[1], "\"");
  }
  std::string output = flags.get("output");
  for (const char* known : {"", "ps", "wide", "yaml", "json"}) {
    if (output == known) return {};
  }
  return str("unrecognized output format '", output, "'");
}

int run_calicoctl(const Invocation& invocation) {
  auto flags = Flags::parse({flag_specs.begin(), flag_specs.end()}, invocation.args);
  if (!flags) return wrong_usage(flags.error().message());
  if (flags->on("help") || flags->args().empty()) {
    std::cout << usage;
    return flags->on("help") ? exit_ok : exit_usage;
  }
  if (std::string mistake = mistake_in(*flags); !mistake.empty()) return wrong_usage(mistake);
  if (flags->args()[0] == "version") {
    std::cout << "Client Version:    v3.21.6 (hoplab " HOPLAB_VERSION ")\n";
    return exit_ok;
  }
  auto text = flags->args()[0] == "node" ? node_status() : run_verb(invocation, *flags);
  if (!text) {
    std::cerr << text.error().message() << "\n";
    return exit_failure;
  }
  std::cout << *text;
  return exit_ok;
}

}  // namespace

}  // namespace hoplab::cmd::calicoctl

namespace hoplab::cmd {

extern const Command calicoctl_command;
const Command calicoctl_command{"calicoctl", "Calico's view: addresses, endpoints, pools",
                                calicoctl::run_calicoctl};

}  // namespace hoplab::cmd
