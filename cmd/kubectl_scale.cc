#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array scale_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    output_flag,
    dry_run_flag,
    FlagSpec{"all", 0, FlagKind::boolean, "", "Scale all objects of the given kinds."},
    FlagSpec{"replicas", 0, FlagKind::value, "", "How many pods there shall be."},
    FlagSpec{"current-replicas", 0, FlagKind::value, "-1", "Only if there are so many now."},
};

Result<void> scale_one(Session& session, const WriteMode& mode, const Found& found,
                       int64_t replicas, int64_t expected) {
  const std::string path =
      web::Client::path_of(*found.kind, namespace_of(session, found), api::name_of(found.object)) +
      "/scale";
  Json patch = {{"spec", {{"replicas", replicas}}}};
  if (expected >= 0) {
    HOP_TRY(Json now, session.client->request("GET", path));
    const int64_t present = int_or(member(now, "spec"), "replicas");
    if (present != expected) {
      return local_error(str("Expected replicas to be ", expected, ", was ", present));
    }
    patch["metadata"]["resourceVersion"] = string_or(member(now, "metadata"), "resourceVersion");
  }
  if (!mode.client_dry_run) {
    const std::string query = mode.options.dry_run ? "?dryRun=All" : "";
    HOP_TRY(Json scale,
            session.client->request("PATCH", path + query, patch, "application/merge-patch+json"));
  }
  return mode.report(found.object, "scaled");
}

Result<int> run_scale(Session& session) {
  if (!session.flags.given("replicas")) {
    std::cerr << "Error: required flag(s) \"replicas\" not set\n";
    return exit_failure;
  }
  HOP_TRY(int64_t replicas, session.flags.number("replicas"));
  HOP_TRY(int64_t expected, session.flags.number("current-replicas"));
  if (replicas < 0) {
    return local_error(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or "
        "equal to 0");
  }
  HOP_TRY(auto mode, WriteMode::read(session));
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(session.flags.args()));
  }
  const bool selects = session.flags.on("all") || session.flags.given("selector");
  if (targets.empty() || (targets[0].name.empty() && !selects)) {
    return local_error(
        "resource(s) were provided, but no name, label selector, or --all flag "
        "specified");
  }
  bool failed = false;
  auto found = read_targets(session, targets, failed);
  if (found.empty() && !failed) return local_error("no objects passed to scale");
  for (const Found& one : found) {
    auto scaled = scale_one(session, mode, one, replicas, expected);
    if (!scaled) failed = print_error(session, scaled.error()) != exit_ok;
  }
  return failed ? exit_failure : exit_ok;
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
