#include <array>
#include <iostream>

#include "cmd/kubectl_resources.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array scale_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    selector_flag,
    output_flag,
    template_flag,
    dry_run_flag,
    FlagSpec{"all", 0, FlagKind::boolean, "", "Scale all objects of the given kinds."},
    FlagSpec{"replicas", 0, FlagKind::number, "0", "How many pods there shall be."},
    FlagSpec{"current-replicas", 0, FlagKind::number, "-1", "Only if there are so many now."},
    FlagSpec{"resource-version", 0, FlagKind::value, "", "Only if the object is at this version."},
    FlagSpec{"timeout", 0, FlagKind::duration, "0s"},
};

/// Fails when --current-replicas or --resource-version say otherwise.
Result<void> check_precondition(const Session& session, const Json& scale) {
  const int64_t expected = session.flags.number("current-replicas");
  const int64_t present = int_or(member(scale, "spec"), "replicas");
  if (expected >= 0 && present != expected) {
    return local_error(str("Expected replicas to be ", expected, ", was ", present));
  }
  const std::string wanted = session.flags.get("resource-version");
  const std::string version = string_or(member(scale, "metadata"), "resourceVersion");
  if (!wanted.empty() && version != wanted) {
    return local_error(str("Expected resource version to be ", wanted, ", was ", version));
  }
  return {};
}

Result<void> scale_one(Session& session, const WriteMode& mode, const Found& found) {
  const std::string path =
      web::Client::path_of(*found.kind, namespace_of(session, found), api::name_of(found.object)) +
      "/scale";
  Json patch = {{"spec", {{"replicas", session.flags.number("replicas")}}}};
  WriteMode plain = mode;  // kubectl 1.20 does not mention a dry run here.
  plain.client_dry_run = plain.options.dry_run = false;
  if (mode.client_dry_run) return plain.report(found.object, "scaled");
  if (session.flags.number("current-replicas") >= 0 || session.flags.given("resource-version")) {
    HOP_TRY(Json now, session.client->request("GET", path));
    HOP_CHECK(check_precondition(session, now));
    patch["metadata"]["resourceVersion"] = string_or(member(now, "metadata"), "resourceVersion");
  }
  const std::string query = mode.options.dry_run ? "?dryRun=All" : "";
  HOP_TRY(Json scale,
          session.client->request("PATCH", path + query, patch, "application/merge-patch+json"));
  return plain.report(found.object, "scaled");
}

Result<int> run_scale(Session& session) {
  if (!session.flags.given("replicas")) {
    std::cerr << "Error: required flag(s) \"replicas\" not set\n";
    return exit_failure;
  }
  HOP_TRY(auto mode, WriteMode::read(session));
  if (session.flags.number("replicas") < 0) {
    return local_error(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or "
        "equal to 0");
  }
  HOP_TRY(auto targets, choose_targets(session, session.flags.args()));
  std::vector<Error> errors;
  const auto found = read_targets(session, targets, errors);
  if (found.empty() && errors.empty()) return local_error("no objects passed to scale");
  if (found.size() > 1 && session.flags.given("resource-version")) {
    return local_error("cannot use --resource-version with multiple resources");
  }
  for (const Found& one : found) {
    auto scaled = scale_one(session, mode, one);
    if (!scaled) errors.push_back(std::move(scaled).error());
  }
  return print_errors(session, errors);
}

}  // namespace

extern const Verb scale_verb;
const Verb scale_verb{"scale",
                      "scale --replicas=COUNT (-f FILE | TYPE NAME) [flags]",
                      "Set how many pods a Deployment or ReplicaSet has",
                      "  kubectl scale deploy/web --replicas=3\n"
                      "  kubectl scale --current-replicas=2 --replicas=3 deploy web\n",
                      scale_flags,
                      run_scale};

}  // namespace hoplab::cmd::kubectl
