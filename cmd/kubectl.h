#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/command.h"
#include "cmd/kubectl_flags.h"
#include "runtime/base/result.h"
#include "store/api/kind.h"
#include "web/client.h"

/// `hoplab kubectl`: our own client of the API with kubectl's verbs, flags, output and exit codes
/// (those of kubectl 1.20 to 1.22). Each verb is one file that defines one `Verb`. Everything runs
/// on the calling thread.
namespace hoplab::cmd::kubectl {

/// One command line with what it needs: the flags, and the API server it goes to.
struct Session {
  const Invocation* invocation = nullptr;
  std::string_view verb;
  Flags flags;
  std::unique_ptr<web::Client> client;  ///< Null for verbs that need no server.
  std::string namespace_name;           ///< -n, else the context's, else "default".
  bool namespace_given = false;         ///< By -n.
};

struct Verb {
  std::string_view name;      ///< One word, or two: "rollout status".
  std::string_view usage;     ///< "get [TYPE[/NAME]] [flags]"
  std::string_view about;     ///< For the list of verbs.
  std::string_view examples;  ///< Lines with two spaces in front.
  std::span<const FlagSpec> flags;
  /// The exit code. Errors are printed by the caller, in kubectl's words.
  Result<int> (*run)(Session& session);
  bool needs_server = true;
  std::span<const std::string_view> aliases = {};
};

/// A mistake that no server reported; printed as "error: <message>".
Error local_error(std::string message);
/// A wrong command line, printed with a pointer to the verb's help.
Error usage_error(std::string_view verb, std::string_view message);
/// As kubectl prints it: `Error from server (NotFound): pods "x" not found`.
std::string error_text(const Error& error, std::string_view server = {},
                       bool one_of_several = false);
/// Prints it to stderr and returns exit code 1: for verbs that go on after an error.
int print_error(const Session& session, const Error& error);

/// Several errors at the end of a verb that went on: as kubectl's aggregates, local ones without
/// "error: " when there are others.
int print_errors(const Session& session, const std::vector<Error>& errors);

/// Opens the client that --kubeconfig, --context, --server and --token ask for.
Result<void> connect(Session& session);
/// --kubeconfig, else KUBECONFIG, else the running cluster's.
Result<std::string> kubeconfig_path(const Session& session);

/// "pod/x", "deployment.apps/web": as messages name an object.
std::string object_name(const api::Kind& kind, const std::string& name);
/// `namespace_name` for kinds that live in one, else "".
std::string namespace_for(const Session& session, const api::Kind& kind);

// Parts of several verbs' flag tables.
inline constexpr FlagSpec selector_flag{"selector", 'l', FlagKind::value, "",
                                        "Selector (label query) to filter on (e.g. -l key1=v1)"};
inline constexpr FlagSpec all_namespaces_flag{"all-namespaces", 'A', FlagKind::boolean, "",
                                              "Look at all namespaces, whatever -n says."};
inline constexpr FlagSpec output_flag{"output", 'o', FlagKind::value, "",
                                      "Output format. One of: json|yaml|wide|name|custom-columns="
                                      "...|jsonpath=..."};
inline constexpr FlagSpec filename_flag{"filename", 'f', FlagKind::value, "",
                                        "File, directory or - (standard input) with manifests."};
inline constexpr FlagSpec kustomize_flag{"kustomize", 'k', FlagKind::value};  // Refused.
inline constexpr FlagSpec template_flag{"template", 0, FlagKind::value, "",
                                        "The template, where -o names none."};
inline constexpr FlagSpec field_selector_flag{"field-selector", 0, FlagKind::value, "",
                                              "Field query, e.g. spec.nodeName=k8s-w1"};
inline constexpr FlagSpec recursive_flag{"recursive", 'R', FlagKind::boolean, "",
                                         "Read the directories of -f with all below them."};
inline constexpr FlagSpec dry_run_flag{
    "dry-run", 0, FlagKind::optional_value, "none", "none, server or client: change nothing",
    "client"};

}  // namespace hoplab::cmd::kubectl
