// What kubectl tells about the server and about itself: version, cluster-info, api-resources,
// api-versions, top.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/kubectl.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_tabs.h"
#include "runtime/base/architecture.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array version_flags{
    FlagSpec{"client", 0, FlagKind::boolean, "", "Only the client's version."},
    FlagSpec{"short", 0, FlagKind::boolean, "", "Only the version numbers."},
    output_flag,
};
constexpr std::array api_resources_flags{
    FlagSpec{"namespaced", 0, FlagKind::boolean, "true",
             "Only those that are (true) or are not (false)."},
    FlagSpec{"sort-by", 0, FlagKind::value, "", "name or kind; else by group."},
    FlagSpec{"verbs", 0, FlagKind::value, "", "Only those that can do all of these."},
    FlagSpec{"api-group", 0, FlagKind::value, "", "Only this group."},
    FlagSpec{"no-headers", 0, FlagKind::boolean, "", "Leave the headers out."},
    output_flag,
};
constexpr std::array<FlagSpec, 0> no_flags{};
Json client_version() {
  return {{"major", "1"},
          {"minor", "22"},
          {"gitVersion", "v1.22.6"},
          {"gitCommit", "hoplab-" HOPLAB_VERSION},
          {"gitTreeState", "clean"},
          {"buildDate", ""},
          {"goVersion", ""},
          {"compiler", "g++"},
          {"platform", "linux/" + machine_architecture()}};
}

/// As Go prints the struct.
std::string version_text(const Json& version) {
  std::string out = "version.Info{";
  const char* names[][2] = {{"Major", "major"},
                            {"Minor", "minor"},
                            {"GitVersion", "gitVersion"},
                            {"GitCommit", "gitCommit"},
                            {"GitTreeState", "gitTreeState"},
                            {"BuildDate", "buildDate"},
                            {"GoVersion", "goVersion"},
                            {"Compiler", "compiler"},
                            {"Platform", "platform"}};
  for (const auto& [shown, key] : names) {
    out += str(out.back() == '{' ? "" : ", ", shown, ":\"", string_or(version, key), "\"");
  }
  return out + "}";
}

Result<int> run_version(Session& session) {
  Json versions = {{"clientVersion", client_version()}};
  std::optional<Error> failed;
  if (!session.flags.on("client")) {
    auto path = kubeconfig_path(session);
    auto config = path ? web::load_kubeconfig(*path, session.flags.get("context"))
                       : Result<web::ClientConfig>(path.error());
    if (!config) {
      failed = local_error(config.error().message());
    } else {
      HOP_TRY(session.client, web::Client::open(*config));
      auto answer = session.client->request("GET", "/version");
      if (answer) {
        versions["serverVersion"] = *std::move(answer);
      } else {
        failed = std::move(answer).error();
      }
    }
  }
  if (session.flags.given("output")) {
    HOP_TRY(auto format, OutputFormat::parse(session.flags.get("output"), false));
    if (format.is_table()) return local_error("--output must be 'yaml' or 'json'");
    HOP_TRY(std::string text, format.print(versions));
    std::cout << text;
  } else {
    for (const auto& [title, key] :
         {std::pair("Client", "clientVersion"), {"Server", "serverVersion"}}) {
      const Json& version = member(versions, key);
      if (version.is_null()) continue;
      std::cout << title << " Version: "
                << (session.flags.on("short") ? string_or(version, "gitVersion")
                                              : version_text(version))
                << "\n";
    }
  }
  if (failed) return *std::move(failed);
  return exit_ok;
}

Result<int> run_cluster_info(Session& session) {
  const bool colour = ::isatty(1) == 1;
  auto line = [&](const std::string& what, const std::string& url) {
    std::cout << (colour ? "\x1b[0;32m" + what + "\x1b[0m" : what) << " is running at "
              << (colour ? "\x1b[0;33m" + url + "\x1b[0m" : url) << "\n";
  };
  const std::string& server = session.client->config().server;
  Selection selection{"kube-system", "kubernetes.io/cluster-service=true", ""};
  HOP_TRY(ObjectList list, session.client->list(api::kind_of("Service"), selection));
  line("Kubernetes control plane", server);
  for (const Json& service : list.items) {
    const std::string name = api::name_of(service);
    std::string shown = string_or(at_path(service, "metadata.labels"), "kubernetes.io/name", name);
    const Json& ports = at_path(service, "spec.ports");
    std::string port = ports.is_array() && !ports.empty() ? string_or(ports[0], "name") : "";
    line(shown, str(server, "/api/v1/namespaces/kube-system/services/", name,
                    port.empty() ? "" : ":" + port, "/proxy"));
  }
  std::cout
      << "\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n";
  return exit_ok;
}

struct ServedResource {
  std::string group;
  std::string version;
  Json resource;
};

Result<std::vector<std::string>> group_versions(Session& session) {
  std::vector<std::string> out = {"v1"};
  HOP_TRY(Json groups, session.client->request("GET", "/apis"));
  for (const Json& group : member(groups, "groups")) {
    for (const Json& version : member(group, "versions")) {
      out.push_back(string_or(version, "groupVersion"));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::vector<ServedResource>> served_resources(Session& session) {
  std::vector<ServedResource> out;
  HOP_TRY(auto versions, group_versions(session));
  for (const std::string& version : versions) {
    const bool core = version.find('/') == std::string::npos;
    HOP_TRY(Json answer, session.client->request("GET", (core ? "/api/" : "/apis/") + version));
    const std::string group = core ? "" : version.substr(0, version.find('/'));
    for (const Json& resource : member(answer, "resources")) {
      if (string_or(resource, "name").find('/') != std::string::npos) continue;
      out.push_back({group, version, resource});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair(a.group, string_or(a.resource, "name")) <
           std::pair(b.group, string_or(b.resource, "name"));
  });
  return out;
}

std::string comma_list(const Json& texts) {
  std::vector<std::string> out;
  for (size_t i = 0; texts.is_array() && i < texts.size(); ++i) out.push_back(go_text(texts[i]));
  return join(out, ",");
}

Result<void> no_arguments(const Session& session) {
  const auto& args = session.flags.args();
  if (args.empty()) return {};
  return usage_error(session.verb, str("unexpected arguments: [", join(args, " "), "]"));
}

Result<void> sort_resources(std::vector<ServedResource>& served, const std::string& by) {
  if (by.empty()) return {};
  if (by != "name" && by != "kind") return local_error("--sort-by accepts only name or kind");
  std::stable_sort(served.begin(), served.end(), [&by](const auto& a, const auto& b) {
    return string_or(a.resource, by) < string_or(b.resource, by);
  });
  return {};
}

bool can_all(const ServedResource& served, const std::vector<std::string>& wanted) {
  const Json& verbs = member(served.resource, "verbs");
  return std::all_of(wanted.begin(), wanted.end(), [&verbs](const std::string& verb) {
    return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
  });
}

Result<int> run_api_resources(Session& session) {
  const Flags& flags = session.flags;
  const std::string output = flags.get("output");
  if (!output.empty() && output != "wide" && output != "name") {
    return local_error("--output " + output + " is not available");
  }
  HOP_CHECK(no_arguments(session));
  HOP_TRY(auto served, served_resources(session));
  HOP_CHECK(sort_resources(served, flags.get("sort-by")));
  std::vector<std::vector<std::string>> rows;
  if (!flags.on("no-headers") && output != "name") {
    rows.push_back({"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"});
    if (output == "wide") rows.back().emplace_back("VERBS");
  }
  for (const ServedResource& one : served) {
    const std::string name = string_or(one.resource, "name");
    const bool namespaced = bool_or(one.resource, "namespaced");
    if (flags.given("namespaced") && namespaced != flags.on("namespaced")) continue;
    if (flags.given("api-group") && flags.get("api-group") != one.group) continue;
    if (!can_all(one, flags.list("verbs"))) continue;
    if (output == "name") {
      std::cout << name << (one.group.empty() ? "" : "." + one.group) << "\n";
      continue;
    }
    rows.push_back({name, comma_list(member(one.resource, "shortNames")), one.version,
                    namespaced ? "true" : "false", string_or(one.resource, "kind")});
    if (output == "wide") rows.back().push_back(go_text(member(one.resource, "verbs")));
  }
  std::cout << RowPrinter().print(rows);
  return exit_ok;
}

Result<int> run_api_versions(Session& session) {
  HOP_CHECK(no_arguments(session));
  HOP_TRY(auto versions, group_versions(session));
  for (const std::string& version : versions) std::cout << version << "\n";
  return exit_ok;
}

Result<int> run_top(Session&) {
  return local_error("Metrics API not available");
}

}  // namespace

extern const Verb version_verb;
const Verb version_verb{"version",
                        "version [flags]",
                        "Print the versions of client and server",
                        "  kubectl version --short\n  kubectl version --client -o yaml\n",
                        version_flags,
                        run_version,
                        false};

extern const Verb cluster_info_verb;
const Verb cluster_info_verb{"cluster-info",
                             "cluster-info [flags]",
                             "Show where the cluster's services are",
                             "  kubectl cluster-info\n",
                             no_flags,
                             run_cluster_info};

extern const Verb api_resources_verb;
const Verb api_resources_verb{
    "api-resources",
    "api-resources [flags]",
    "List the kinds that the server has",
    "  kubectl api-resources\n  kubectl api-resources --namespaced=false\n",
    api_resources_flags,
    run_api_resources};

extern const Verb api_versions_verb;
const Verb api_versions_verb{"api-versions",
                             "api-versions [flags]",
                             "List the API versions that the server has",
                             "  kubectl api-versions\n",
                             no_flags,
                             run_api_versions};

extern const Verb top_verb;
const Verb top_verb{"top",
                    "top (node | pod) [flags]",
                    "Needs a metrics server, which no lab has",
                    "  kubectl top nodes\n",
                    no_flags,
                    run_top};

}  // namespace hoplab::cmd::kubectl
