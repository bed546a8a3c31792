#include "cmd/kubectl_rollout.h"

#include <array>
#include <iostream>

#include "cmd/kubectl_delete.h"
#include "cmd/kubectl_wait.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array status_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    FlagSpec{"watch", 'w', FlagKind::boolean, "true", "Wait for the end of the rollout."},
    FlagSpec{"timeout", 0, FlagKind::duration, "0s", "How long to wait; 0 = for ever."},
    FlagSpec{"revision", 0, FlagKind::number, "0", "Fail unless this is the running revision."},
};

constexpr std::array change_flags{filename_flag, recursive_flag, kustomize_flag, output_flag,
                                  template_flag};

/// One of pause, resume and restart: what the patch is, and what is said.
struct Change {
  /// Empty = nothing to do. Fails when the object is in no state for it.
  Result<Json> (*patch)(const Found& found);
  std::string_view done;
};

Result<void> check_revision(const Session& session, const Json& object) {
  const int64_t wanted = session.flags.number("revision");
  if (wanted == 0 || string_or(object, "kind") != "Deployment") return {};
  const std::string running = string_or(at_path(object, "metadata.annotations"), revision_key, "0");
  if (running == std::to_string(wanted)) return {};
  return local_error(str("desired revision (", wanted, ") is different from the running revision (",
                         running, ")"));
}

Result<int> run_status(Session& session) {
  HOP_TRY(auto targets, rollout_targets(session));
  std::vector<Error> errors;
  const auto found = read_targets(session, targets, errors);
  if (!errors.empty()) return errors[0];
  if (found.size() != 1) {
    return local_error(
        str("rollout status is only supported on individual resources and resource collections - ",
            found.size(), " resources were found"));
  }
  const Found& one = found[0];
  if (one.kind->kind != "Deployment" && one.kind->kind != "DaemonSet") {
    return local_error(
        str("no status viewer has been implemented for ", one.kind->qualified_kind()));
  }
  Millis timeout = session.flags.duration("timeout");
  if (timeout == Millis(0)) timeout = longest_wait;
  const bool watch = session.flags.on("watch");
  std::string last;
  ObjectWait wait(session, one.kind, namespace_of(session, one), api::name_of(one.object));
  auto ended = wait.until(
      [&](const Json* object) -> Result<bool> {
        if (object == nullptr) return local_error("object has been deleted");
        HOP_CHECK(check_revision(session, *object));
        HOP_TRY(RolloutState state, rollout_state(*object));
        if (state.message != last) std::cout << state.message << std::endl;
        last = state.message;
        return state.done || !watch;
      },
      timeout);
  // kubectl says nothing of the object here.
  if (!ended && is_timeout(ended.error()))
    return local_error("timed out waiting for the condition");
  HOP_CHECK(std::move(ended));
  return exit_ok;
}

bool is_paused(const Found& found) {
  return bool_or(member(found.object, "spec"), "paused");
}

Result<Json> restart_patch(const Found& found) {
  if (found.kind->kind != "Deployment" && found.kind->kind != "DaemonSet") {
    return local_error("restarting is not supported");
  }
  if (is_paused(found)) {
    return local_error("can't restart paused deployment (run rollout resume first)");
  }
  const Json annotations = {
      {"kubectl.kubernetes.io/restartedAt", to_rfc3339(SystemClock().wall())}};
  return Json{{"spec", {{"template", {{"metadata", {{"annotations", annotations}}}}}}}};
}

Result<int> change_all(Session& session, const Change& change) {
  HOP_TRY(auto targets, rollout_targets(session));
  HOP_TRY(auto mode, WriteMode::read(session));
  std::vector<Error> errors;
  for (const Found& found : read_targets(session, targets, errors)) {
    const std::string name = api::name_of(found.object);
    auto patch = change.patch(found);
    if (!patch) {
      errors.push_back(local_error(str("error: ", found.kind->qualified_resource(), " \"", name,
                                       "\" ", patch.error().message())));
      continue;
    }
    auto patched = session.client->patch(*found.kind, namespace_of(session, found), name,
                                         PatchType::strategic_merge, *patch);
    if (!patched) {
      errors.push_back(local_error("failed to patch: " + patched.error().message()));
      continue;
    }
    HOP_CHECK(mode.report(*patched, change.done));
  }
  return print_errors(session, errors);
}

Result<int> run_pause(Session& session) {
  return change_all(session, {pause_patch, "paused"});
}

Result<int> run_resume(Session& session) {
  return change_all(session, {resume_patch, "resumed"});
}

Result<int> run_restart(Session& session) {
  return change_all(session, {restart_patch, "restarted"});
}

}  // namespace

Result<Json> pause_patch(const Found& found) {
  if (found.kind->kind != "Deployment") return local_error("pausing is not supported");
  if (is_paused(found)) return local_error("is already paused");
  return Json{{"spec", {{"paused", true}}}};
}

Result<Json> resume_patch(const Found& found) {
  if (found.kind->kind != "Deployment") return local_error("resuming is not supported");
  if (!is_paused(found)) return local_error("is not paused");
  return Json{{"spec", {{"paused", nullptr}}}};
}

Result<std::vector<Target>> rollout_targets(Session& session) {
  if (session.flags.args().empty() && !session.flags.given("filename")) {
    return local_error("required resource not specified");
  }
  if (const int64_t revision = session.flags.number("revision"); revision < 0) {
    return local_error(str("revision must be a positive integer: ", revision));
  }
  return choose_targets(session, session.flags.args(), true);
}

extern const Verb rollout_status_verb;
const Verb rollout_status_verb{"rollout status",
                               "rollout status (TYPE NAME | TYPE/NAME) [flags]",
                               "Show the status of the rollout until it is done",
                               "  kubectl rollout status deploy/web --timeout=60s\n",
                               status_flags,
                               run_status};

extern const Verb rollout_pause_verb;
const Verb rollout_pause_verb{"rollout pause",
                              "rollout pause (TYPE NAME | TYPE/NAME) [flags]",
                              "Mark a Deployment as paused",
                              "  kubectl rollout pause deploy/web\n",
                              change_flags,
                              run_pause};

extern const Verb rollout_resume_verb;
const Verb rollout_resume_verb{"rollout resume",
                               "rollout resume (TYPE NAME | TYPE/NAME) [flags]",
                               "Resume a paused Deployment",
                               "  kubectl rollout resume deploy/web\n",
                               change_flags,
                               run_resume};

extern const Verb rollout_restart_verb;
const Verb rollout_restart_verb{"rollout restart",
                                "rollout restart (TYPE NAME | TYPE/NAME) [flags]",
                                "Replace the pods of a Deployment or DaemonSet by new ones",
                                "  kubectl rollout restart deploy/web\n",
                                change_flags,
                                run_restart};

}  // namespace hoplab::cmd::kubectl
