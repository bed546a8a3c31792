// kubectl rollout history and undo: the ReplicaSets of a Deployment are its revisions.

#include <array>
#include <iostream>
#include <map>

#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_pods.h"
#include "cmd/kubectl_rollout.h"
#include "cmd/kubectl_tabs.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char cause_key[] = "kubernetes.io/change-cause";
constexpr char last_applied[] = "kubectl.kubernetes.io/last-applied-configuration";

constexpr std::array history_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    output_flag,
    template_flag,
    FlagSpec{"revision", 0, FlagKind::number, "0", "Show the pod template of this revision."},
};
constexpr std::array undo_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    output_flag,
    template_flag,
    dry_run_flag,
    FlagSpec{"to-revision", 0, FlagKind::number, "0", "The revision; 0 = the one before."},
};

using Revisions = std::map<int64_t, Json>;

/// `what`: "history viewer" or "rollbacker".
Result<void> check_kind(const api::Kind& kind, std::string_view what, std::string_view action) {
  if (kind.kind == "Deployment" || kind.kind == "DaemonSet") return {};
  if (kind.kind == "Pod" || kind.kind == "ReplicaSet") {
    return local_error(
        str("no ", what, " has been implemented for \"", kind.qualified_kind(), "\""));
  }
  return local_error(str("error retrieving ", action, " for \"", kind.qualified_kind(),
                         "\", no visitor method exists for ", kind.qualified_kind()));
}

/// The ReplicaSets of a Deployment by revision.
Result<Revisions> revisions_of(Session& session, const Found& found) {
  if (found.kind->kind == "DaemonSet") {
    // A DaemonSet's history are ControllerRevisions, which no lab keeps.
    return local_error(str("unable to find history controller for DaemonSet ",
                           api::name_of(found.object),
                           ": the server could not find the requested resource"));
  }
  Selection selection{namespace_of(session, found), selector_of(found.object), ""};
  HOP_TRY(ObjectList list, session.client->list(api::kind_of("ReplicaSet"), selection));
  Revisions out;
  for (Json& item : list.items) {
    const Json& owners = at_path(item, "metadata.ownerReferences");
    if (!owners.is_array() || owners.empty() ||
        string_or(owners[0], "uid") != api::uid_of(found.object)) {
      continue;
    }
    const std::string revision = string_or(at_path(item, "metadata.annotations"), revision_key);
    if (!revision.empty()) out[strtoll(revision.c_str(), nullptr, 10)] = std::move(item);
  }
  return out;
}

std::string template_text(const Json& pod_template) {
  DescribeText text;
  describe_template(pod_template, text);
  return text.raw();  // kubectl aligns nothing here.
}

Result<std::string> history_text(const Revisions& revisions, int64_t wanted) {
  if (revisions.empty()) return std::string("\nNo rollout history found.");
  if (wanted > 0) {
    auto chosen = revisions.find(wanted);
    if (chosen == revisions.end()) return local_error("unable to find the specified revision");
    Json pod_template = at_path(chosen->second, "spec.template");
    const std::string cause = string_or(at_path(chosen->second, "metadata.annotations"), cause_key);
    if (!cause.empty()) pod_template["metadata"]["annotations"][cause_key] = cause;
    return str("with revision #", wanted, "\n", template_text(pod_template));
  }
  std::string text = "REVISION\tCHANGE-CAUSE\n";
  for (const auto& [revision, set] : revisions) {
    text += str(revision, "\t",
                string_or(at_path(set, "metadata.annotations"), cause_key, "<none>"), "\n");
  }
  return "\n" + align_tabs(text, describe_tabs);
}

Result<void> show_history(Session& session, const WriteMode& mode, const Found& found) {
  HOP_CHECK(check_kind(*found.kind, "history viewer", "history"));
  HOP_TRY(auto revisions, revisions_of(session, found));
  HOP_TRY(std::string text, history_text(revisions, session.flags.number("revision")));
  return mode.report(found.object, text);
}

Result<const Json*> choose_revision(const Revisions& revisions, int64_t wanted,
                                    const std::string& name) {
  if (wanted != 0) {
    auto chosen = revisions.find(wanted);
    if (chosen != revisions.end()) return &chosen->second;
    return local_error(str("unable to find specified revision ", wanted, " in history"));
  }
  if (revisions.size() < 2) {
    return local_error("no rollout history found for deployment \"" + name + "\"");
  }
  return &std::prev(revisions.end(), 2)->second;
}

bool stays_with_deployment(const std::string& annotation) {
  return annotation == last_applied || annotation.starts_with("deployment.kubernetes.io/") ||
         annotation == "deprecated.deployment.rollback.to";
}

/// The Deployment's annotations after an undo: its own bookkeeping, the rest as the revision had
/// it.
Json annotations_after(const Json& deployment, const Json& set) {
  Json out = Json::object();
  auto take = [&out](const Json& from, bool bookkeeping) {
    for (auto it = from.begin(); from.is_object() && it != from.end(); ++it) {
      if (stays_with_deployment(it.key()) == bookkeeping) out[it.key()] = *it;
    }
  };
  take(at_path(deployment, "metadata.annotations"), true);
  take(at_path(set, "metadata.annotations"), false);
  return out;
}

Result<std::string> roll_back(Session& session, const WriteMode& mode, const Found& found) {
  HOP_CHECK(check_kind(*found.kind, "rollbacker", "rollbacker"));
  const std::string name = api::name_of(found.object);
  const int64_t wanted = session.flags.number("to-revision");
  HOP_TRY(auto revisions, revisions_of(session, found));
  HOP_TRY(const Json* set, choose_revision(revisions, wanted, name));
  Json pod_template = at_path(*set, "spec.template");
  if (mode.client_dry_run) return template_text(pod_template);
  if (bool_or(member(found.object, "spec"), "paused")) {
    return local_error(
        str("you cannot rollback a paused deployment; resume it first with 'kubectl "
            "rollout resume deployment/",
            name, "' and try again"));
  }
  pod_template["metadata"]["labels"].erase("pod-template-hash");
  if (pod_template == at_path(found.object, "spec.template")) {
    return str("skipped rollback (current template already matches revision ", wanted, ")");
  }
  const Json patch = {{{"op", "replace"}, {"path", "/spec/template"}, {"value", pod_template}},
                      {{"op", "replace"},
                       {"path", "/metadata/annotations"},
                       {"value", annotations_after(found.object, *set)}}};
  auto patched = session.client->patch(*found.kind, namespace_of(session, found), name,
                                       PatchType::json, patch, Subresource::none, mode.options);
  if (!patched) {
    return local_error(str("failed restoring revision ", wanted, ": ", patched.error().message()));
  }
  return std::string("rolled back");
}

Result<void> undo(Session& session, const WriteMode& mode, const Found& found) {
  HOP_TRY(std::string said, roll_back(session, mode, found));
  return mode.report(found.object, said);
}

using Action = Result<void> (*)(Session&, const WriteMode&, const Found&);

Result<int> for_each(Session& session, Action action) {
  HOP_TRY(auto mode, WriteMode::read(session));
  HOP_TRY(auto targets, rollout_targets(session));
  std::vector<Error> errors;
  for (const Found& found : read_targets(session, targets, errors)) {
    auto did = action(session, mode, found);
    if (!did) errors.push_back(std::move(did).error());
  }
  return print_errors(session, errors);
}

Result<int> run_history(Session& session) {
  return for_each(session, show_history);
}

Result<int> run_undo(Session& session) {
  return for_each(session, undo);
}

}  // namespace

extern const Verb rollout_history_verb;
const Verb rollout_history_verb{"rollout history",
                                "rollout history (TYPE NAME | TYPE/NAME) [flags]",
                                "Show the revisions of a Deployment",
                                "  kubectl rollout history deploy/web\n"
                                "  kubectl rollout history deploy/web --revision=2\n",
                                history_flags,
                                run_history};

extern const Verb rollout_undo_verb;
const Verb rollout_undo_verb{"rollout undo",
                             "rollout undo (TYPE NAME | TYPE/NAME) [flags]",
                             "Go back to a revision of a Deployment",
                             "  kubectl rollout undo deploy/web\n"
                             "  kubectl rollout undo deploy/web --to-revision=2\n",
                             undo_flags,
                             run_undo};

}  // namespace hoplab::cmd::kubectl
