// kubectl config: what the kubeconfig says. Nothing is changed.

#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/kubectl.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_tabs.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array config_flags{
    FlagSpec{"raw", 0, FlagKind::boolean, "", "view: show keys and certificates too."},
    FlagSpec{"minify", 0, FlagKind::boolean, "", "Accepted, without effect."},
    FlagSpec{"no-headers", 0, FlagKind::boolean, "", "get-contexts: leave the headers out."},
    output_flag,
};

/// Hides what must not be read over a shoulder.
void redact(Json& config) {
  for (const char* list : {"clusters", "users"}) {
    if (!member(config, list).is_array()) continue;
    for (Json& entry : config[list]) {
      for (const char* part : {"cluster", "user"}) {
        if (!member(entry, part).is_object()) continue;
        Json& fields = entry[part];
        if (fields.contains("certificate-authority-data")) {
          fields["certificate-authority-data"] = "DATA+OMITTED";
        }
        for (const char* secret :
             {"client-certificate-data", "client-key-data", "token", "password"}) {
          if (fields.contains(secret)) fields[secret] = "REDACTED";
        }
      }
    }
  }
}

/// Names in `list`: "clusters", "users".
Result<int> print_names(const Json& config, const std::string& list) {
  std::cout << "NAME\n";
  const Json& entries = member(config, list);
  for (size_t i = 0; entries.is_array() && i < entries.size(); ++i) {
    std::cout << string_or(entries[i], "name") << "\n";
  }
  return exit_ok;
}

/// All contexts, or those named.
Result<int> print_contexts(Session& session, const Json& config,
                           const std::vector<std::string>& wanted) {
  const std::string output = session.flags.get("output");
  if (!output.empty() && output != "name") {
    return local_error("output must be one of '' or 'name': " + output);
  }
  std::vector<std::vector<std::string>> rows;
  const bool headers = output.empty() && !session.flags.on("no-headers");
  if (headers) rows.push_back({"CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"});
  std::vector<std::string> seen;
  const Json& contexts = member(config, "contexts");
  for (size_t i = 0; contexts.is_array() && i < contexts.size(); ++i) {
    const std::string name = string_or(contexts[i], "name");
    seen.push_back(name);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    const Json& context = member(contexts[i], "context");
    rows.push_back({name == string_or(config, "current-context") ? "*" : "", name,
                    string_or(context, "cluster"), string_or(context, "user"),
                    string_or(context, "namespace")});
    if (output == "name") rows.back() = {name};
  }
  std::cout << RowPrinter().print(rows);
  std::vector<Error> errors;
  for (const std::string& name : wanted) {
    if (std::find(seen.begin(), seen.end(), name) == seen.end()) {
      errors.push_back(local_error("context " + name + " not found"));
    }
  }
  return print_errors(session, errors);
}

Result<int> print_current_context(const Json& config) {
  const std::string current = string_or(config, "current-context");
  if (current.empty()) return local_error("current-context is not set");
  std::cout << current << "\n";
  return exit_ok;
}

Result<int> view(const Session& session, Json config) {
  config["preferences"] = Json::object();
  if (!session.flags.on("raw")) redact(config);
  const std::string form = session.flags.get("output");
  HOP_TRY(auto format, OutputFormat::parse(form.empty() ? "yaml" : form, false));
  HOP_TRY(std::string shown, format.print(config));
  std::cout << shown;
  return exit_ok;
}

Result<Json> read_config(const Session& session) {
  auto path = kubeconfig_path(session);
  if (!path) return local_error(path.error().message());
  auto text = read_file(*path);
  if (!text) return local_error(text.error().message());
  auto config = api::parse_yaml(*text, *path);
  if (!config) return local_error(config.error().message());
  return config;
}

Result<int> run_config(Session& session) {
  std::vector<std::string> args = session.flags.args();
  const std::string what = args.empty() ? "" : args[0];
  constexpr std::string_view all[] = {"view", "current-context", "get-contexts", "get-clusters",
                                      "get-users"};
  if (std::find(std::begin(all), std::end(all), what) == std::end(all)) {
    return usage_error("config",
                       "expected view, current-context, get-contexts, get-clusters or get-users");
  }
  args.erase(args.begin());
  if (!args.empty() && what != "get-contexts") {
    return usage_error("config " + what, str("unexpected arguments: [", join(args, " "), "]"));
  }
  HOP_TRY(Json config, read_config(session));
  if (what == "current-context") return print_current_context(config);
  if (what == "get-contexts") return print_contexts(session, config, args);
  if (what == "get-clusters") return print_names(config, "clusters");
  if (what == "get-users") return print_names(config, "users");
  return view(session, std::move(config));
}

}  // namespace

extern const Verb config_verb;
const Verb config_verb{"config",
                       "config (view | current-context | get-contexts | get-clusters | get-users)",
                       "Show the kubeconfig",
                       "  kubectl config view\n  kubectl config current-context\n",
                       config_flags,
                       run_config,
                       false};

}  // namespace hoplab::cmd::kubectl
