#include "cmd/kubectl_delete.h"

#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_wait.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array delete_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    selector_flag,
    all_namespaces_flag,
    field_selector_flag,
    FlagSpec{"all", 0, FlagKind::boolean, "", "Delete all objects of the given kinds."},
    FlagSpec{"wait", 0, FlagKind::boolean, "true", "Wait until the objects are gone."},
    FlagSpec{"now", 0, FlagKind::boolean, "", "Give processes one second to end."},
    FlagSpec{"force", 0, FlagKind::boolean, "", "Remove at once, without waiting for the node."},
    FlagSpec{"grace-period", 0, FlagKind::number, "-1", "Seconds that processes get to end."},
    FlagSpec{"timeout", 0, FlagKind::duration, "0s", "How long to wait; 0 = a week."},
    FlagSpec{"cascade", 0, FlagKind::optional_value, "background",
             "What becomes of dependents: background, foreground, orphan.", "background"},
    FlagSpec{"ignore-not-found", 0, FlagKind::boolean, "", "Missing objects are no error."},
    FlagSpec{"output", 'o', FlagKind::value, "", "\"name\" for short messages."},
    FlagSpec{"raw", 0, FlagKind::value, "", "Send DELETE to this path."},
    dry_run_flag,
};

Result<Propagation> read_cascade(const std::string& text) {
  if (text == "background" || text == "true") return Propagation::background;
  if (text == "orphan" || text == "false") return Propagation::orphan;
  if (text == "foreground") return Propagation::foreground;
  return local_error(str("invalid cascade value (", text,
                         "). Must be \"background\", \"foreground\", or \"orphan\""));
}

/// In the order in which kubectl finds mistakes.
Result<DeleteOptions> read_options(const Session& session) {
  DeleteOptions options;
  HOP_TRY(options.propagation, read_cascade(session.flags.get("cascade")));
  int64_t grace = session.flags.number("grace-period");
  const bool force = session.flags.on("force");
  if (session.flags.on("now")) {
    if (grace != -1) return local_error("--now and --grace-period cannot be specified together");
    grace = 1;
  }
  if (grace == 0 && !force) grace = 1;  // As kubectl: 0 alone could lose data unseen.
  if (force && grace < 0) grace = 0;
  if (grace >= 0) options.grace_seconds = grace;
  HOP_TRY(DryRun dry_run, read_dry_run(session));
  options.dry_run = dry_run == DryRun::server;
  return options;
}

class Delete {
 public:
  Delete(Session& session, DeleteOptions options, Millis timeout)
      : session_(session),
        options_(std::move(options)),
        timeout_(timeout),
        dry_run_(read_dry_run(session).value_or(DryRun::none)) {}

  Result<int> run(const std::vector<Target>& targets) {
    for (const Target& target : targets) {
      if (!target.name.empty()) {
        one(target);
        continue;
      }
      for (const Found& found : read_targets(session_, {target}, errors_)) {
        one({found.kind, api::name_of(found.object), namespace_of(session_, found)});
      }
    }
    if (seen_ == 0 && errors_.empty()) std::cout << "No resources found\n";
    std::cout.flush();
    // As kubectl: when something could not be deleted, nothing is waited for.
    if (errors_.empty() && session_.flags.on("wait") && !dry_run()) wait();
    return print_errors(session_, errors_);
  }

 private:
  bool dry_run() const { return dry_run_ != DryRun::none; }

  /// With a selection, what vanished meanwhile is no mistake.
  bool missing_is_fine() const {
    const Flags& flags = session_.flags;
    if (flags.given("ignore-not-found")) return flags.on("ignore-not-found");
    return flags.on("all") || !flags.get("selector").empty() ||
           !flags.get("field-selector").empty();
  }

  void one(const Target& target) {
    ++seen_;
    const std::string space = !target.namespace_name.empty()
                                  ? target.namespace_name
                                  : namespace_for(session_, *target.kind);
    if (dry_run_ == DryRun::client) return report(target);
    auto deleted = session_.client->remove(*target.kind, space, target.name, options_);
    if (!deleted) {
      if (deleted.error().code() == ErrorCode::not_found && missing_is_fine()) return;
      errors_.push_back(session_.flags.given("filename")
                            ? std::move(deleted).error().context(
                                  "error when deleting \"" + session_.flags.get("filename") + "\"")
                            : std::move(deleted).error());
      return;
    }
    report(target);
    if (!deleted->gone) {
      doomed_.push_back({target.kind, space, target.name, api::uid_of(deleted->object)});
    }
  }

  void report(const Target& target) const {
    if (session_.flags.get("output") == "name") {
      std::cout << object_name(*target.kind, target.name) << "\n";
      return;
    }
    std::cout << delete_message(*target.kind, target.name)
              << (options_.grace_seconds == 0 ? " force deleted" : " deleted")
              << (options_.dry_run ? " (server dry run)"
                  : dry_run()      ? " (dry run)"
                                   : "")
              << "\n";
  }

  void wait() {
    const SteadyTime end = std::chrono::steady_clock::now() + timeout_;
    for (const Doomed& doomed : doomed_) {
      auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
      auto waited = wait_until_gone(session_, doomed, std::max(left, Millis(0)));
      if (!waited) errors_.push_back(std::move(waited).error());
    }
  }

  Session& session_;
  DeleteOptions options_;
  Millis timeout_;
  DryRun dry_run_;
  std::vector<Doomed> doomed_;
  std::vector<Error> errors_;
  size_t seen_ = 0;
};

Result<void> check_flags(const Session& session, const DeleteOptions& options) {
  const Flags& flags = session.flags;
  const std::string output = flags.get("output");
  if (!output.empty() && output != "name") {
    return local_error(str("unexpected -o output mode: ", output, ". We only support '-o name'"));
  }
  if (flags.on("force") && options.grace_seconds.value_or(0) > 0) {
    return local_error("--force and --grace-period greater than 0 cannot be specified together");
  }
  if (flags.on("force")) {
    std::cerr << "warning: Immediate deletion does not wait for confirmation that the running "
                 "resource has been terminated. The resource may continue to run on the cluster "
                 "indefinitely.\n";
  }
  return {};
}

Result<int> delete_raw(Session& session) {
  HOP_TRY(Json answer, session.client->request("DELETE", session.flags.get("raw")));
  std::cout << dump_json(answer);
  return exit_ok;
}

Result<int> run_delete(Session& session) {
  HOP_TRY(auto options, read_options(session));
  if (session.flags.given("raw")) return delete_raw(session);
  const Flags& flags = session.flags;
  if (flags.on("all") && !(flags.get("selector") + flags.get("field-selector")).empty()) {
    return local_error("setting 'all' parameter but found a non empty selector. ");
  }
  HOP_TRY(auto targets, choose_targets(session, flags.args()));
  HOP_CHECK(check_flags(session, options));
  for (const Target& target : targets) {
    if (target.kind->namespaced || !session.namespace_given || session.flags.on("all-namespaces")) {
      continue;
    }
    std::cerr
        << "warning: deleting cluster-scoped resources, not scoped to the provided namespace\n";
    break;
  }
  const Millis timeout = session.flags.duration("timeout");
  return Delete(session, options, timeout == Millis(0) ? longest_wait : timeout).run(targets);
}

}  // namespace

std::string delete_message(const api::Kind& kind, const std::string& name) {
  return str(to_lower(kind.qualified_kind()), " \"", name, "\"");
}

Result<void> wait_until_gone(Session& session, const Doomed& doomed, Millis timeout) {
  ObjectWait wait(session, doomed.kind, doomed.namespace_name, doomed.name);
  return wait.until(
      [&](const Json* object) -> Result<bool> {
        return object == nullptr || (!doomed.uid.empty() && api::uid_of(*object) != doomed.uid);
      },
      timeout);
}

extern const Verb delete_verb;
const Verb delete_verb{"delete",
                       "delete (-f FILE | TYPE (NAME… | -l label | --all)) [flags]",
                       "Delete objects by file, name, label or all of a kind",
                       "  kubectl delete pod web\n"
                       "  kubectl delete -f web.yaml --wait=false\n"
                       "  kubectl delete pods -l app=web --now\n",
                       delete_flags,
                       run_delete};

}  // namespace hoplab::cmd::kubectl
