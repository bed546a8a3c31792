#include "cmd/kubectl_rollout.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>

#include "cmd/kubectl_delete.h"
#include "cmd/kubectl_files.h"
#include "cmd/kubectl_pods.h"
#include "cmd/kubectl_tabs.h"
#include "cmd/kubectl_wait.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char revision_key[] = "deployment.kubernetes.io/revision";
constexpr char cause_key[] = "kubernetes.io/change-cause";

constexpr std::array rollout_flags{
    filename_flag,
    recursive_flag,
    FlagSpec{"watch", 'w', FlagKind::boolean, "true", "Wait for the end of the rollout."},
    FlagSpec{"timeout", 0, FlagKind::value, "0s", "How long to wait; 0 = for ever."},
    FlagSpec{"to-revision", 0, FlagKind::value, "0", "undo: the revision; 0 = the one before."},
};

Result<void> status_of(Session& session, const Found& found) {
  HOP_TRY(Millis timeout, duration_flag(session, "timeout"));
  if (timeout == Millis(0)) timeout = longest_wait;
  const bool watch = session.flags.on("watch");
  std::string last;
  ObjectWait wait(session, found.kind, namespace_of(session, found), api::name_of(found.object));
  return wait.until(
      [&](const Json* object) -> Result<bool> {
        if (object == nullptr) return local_error("object has been deleted");
        HOP_TRY(RolloutState state, rollout_state(*object));
        if (state.message != last) std::cout << state.message << std::endl;
        last = state.message;
        return state.done || !watch;
      },
      timeout);
}

Result<void> restart(Session& session, const Found& found) {
  const Json annotations = {
      {"kubectl.kubernetes.io/restartedAt", to_rfc3339(SystemClock().wall())}};
  const Json patch = {{"spec", {{"template", {{"metadata", {{"annotations", annotations}}}}}}}};
  HOP_TRY(Json patched,
          session.client->patch(*found.kind, namespace_of(session, found),
                                api::name_of(found.object), PatchType::strategic_merge, patch));
  std::cout << object_name(*found.kind, api::name_of(found.object)) << " restarted\n";
  return {};
}

/// The ReplicaSets of a Deployment by revision.
Result<std::map<int64_t, Json>> revisions_of(Session& session, const Found& found) {
  if (found.kind->kind != "Deployment") {
    return local_error(str("no history is kept for ", found.kind->plural));
  }
  Selection selection{namespace_of(session, found), selector_of(found.object), ""};
  HOP_TRY(ObjectList list, session.client->list(api::kind_of("ReplicaSet"), selection));
  std::map<int64_t, Json> out;
  for (Json& item : list.items) {
    const Json& owners = at_path(item, "metadata.ownerReferences");
    if (!owners.is_array() || owners.empty() ||
        string_or(owners[0], "uid") != api::uid_of(found.object)) {
      continue;
    }
    std::string revision = string_or(at_path(item, "metadata.annotations"), revision_key, "0");
    out[strtoll(revision.c_str(), nullptr, 10)] = std::move(item);
  }
  return out;
}

Result<void> history(Session& session, const Found& found) {
  HOP_TRY(auto revisions, revisions_of(session, found));
  std::cout << object_name(*found.kind, api::name_of(found.object)) << " \n";
  std::string text = "REVISION\tCHANGE-CAUSE\n";
  for (const auto& [revision, set] : revisions) {
    text += str(revision, "\t",
                string_or(at_path(set, "metadata.annotations"), cause_key, "<none>"), "\n");
  }
  std::cout << align_tabs(text, describe_tabs) << "\n";
  return {};
}

Result<void> undo(Session& session, const Found& found) {
  HOP_TRY(int64_t wanted, session.flags.number("to-revision"));
  HOP_TRY(auto revisions, revisions_of(session, found));
  auto chosen = revisions.find(wanted);
  if (wanted == 0) {
    if (revisions.size() < 2)
      return local_error("no rollout history found for deployment \"" + api::name_of(found.object) +
                         "\"");
    chosen = std::prev(revisions.end(), 2);
  } else if (chosen == revisions.end()) {
    return local_error(str("unable to find specified revision ", wanted, " in history"));
  }
  Json pod_template = at_path(chosen->second, "spec.template");
  pod_template["metadata"]["labels"].erase("pod-template-hash");
  const Json patch = {{{"op", "replace"}, {"path", "/spec/template"}, {"value", pod_template}}};
  const std::string name = object_name(*found.kind, api::name_of(found.object));
  if (pod_template == at_path(found.object, "spec.template")) {
    std::cout << name << " skipped rollback (current template already matches revision " << wanted
              << ")\n";
    return {};
  }
  HOP_TRY(Json patched, session.client->patch(*found.kind, namespace_of(session, found),
                                              api::name_of(found.object), PatchType::json, patch));
  std::cout << name << " rolled back\n";
  return {};
}

Result<int> run_rollout(Session& session) {
  using Action = Result<void> (*)(Session&, const Found&);
  static constexpr std::pair<std::string_view, Action> actions[] = {
      {"status", status_of}, {"restart", restart}, {"history", history}, {"undo", undo}};
  std::vector<std::string> args = session.flags.args();
  const auto* action = std::find_if(std::begin(actions), std::end(actions), [&](const auto& one) {
    return !args.empty() && one.first == args[0];
  });
  if (action == std::end(actions)) {
    return usage_error("rollout", "expected status, restart, history or undo");
  }
  args.erase(args.begin());
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(args));
  }
  if (targets.empty()) return local_error("required resource not specified");
  bool failed = false;
  for (const Found& found : read_targets(session, targets, failed)) {
    if (found.kind->kind != "Deployment" && found.kind->kind != "DaemonSet") {
      return local_error(
          str("no status viewer has been implemented for ", found.kind->qualified_resource()));
    }
    auto did = action->second(session, found);
    if (!did) failed = print_error(session, did.error()) != exit_ok;
  }
  return failed ? exit_failure : exit_ok;
}

}  // namespace

extern const Verb rollout_verb;
const Verb rollout_verb{
    "rollout",
    "rollout (status | restart | history | undo) (TYPE/NAME | TYPE NAME) [flags]",
    "Follow, repeat or undo the rollout of a Deployment or DaemonSet",
    "  kubectl rollout status deploy/web --timeout=60s\n"
    "  kubectl rollout restart deploy/web\n"
    "  kubectl rollout undo deploy/web --to-revision=2\n",
    rollout_flags,
    run_rollout};

}  // namespace hoplab::cmd::kubectl
