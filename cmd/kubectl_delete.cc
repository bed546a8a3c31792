#include "cmd/kubectl_delete.h"

#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_wait.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array delete_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    all_namespaces_flag,
    FlagSpec{"field-selector", 0, FlagKind::value, "", "Field query, e.g. spec.nodeName=k8s-w1"},
    FlagSpec{"all", 0, FlagKind::boolean, "", "Delete all objects of the given kinds."},
    FlagSpec{"wait", 0, FlagKind::boolean, "true", "Wait until the objects are gone."},
    FlagSpec{"now", 0, FlagKind::boolean, "", "Give processes one second to end."},
    FlagSpec{"force", 0, FlagKind::boolean, "", "Remove at once, without waiting for the node."},
    FlagSpec{"grace-period", 0, FlagKind::value, "-1", "Seconds that processes get to end."},
    FlagSpec{"timeout", 0, FlagKind::value, "0s", "How long to wait; 0 = a week."},
    FlagSpec{"cascade", 0, FlagKind::optional_value, "background",
             "What becomes of dependents: background, foreground, orphan.", "background"},
    FlagSpec{"ignore-not-found", 0, FlagKind::boolean, "", "Missing objects are no error."},
    FlagSpec{"output", 'o', FlagKind::value, "", "\"name\" for short messages."},
    dry_run_flag,
};

Result<DeleteOptions> read_options(const Session& session) {
  DeleteOptions options;
  HOP_TRY(int64_t grace, session.flags.number("grace-period"));
  const bool force = session.flags.on("force");
  if (session.flags.on("now")) {
    if (grace != -1) return local_error("--now and --grace-period cannot be specified together");
    grace = 1;
  }
  if (grace == 0 && !force) grace = 1;  // As kubectl: 0 alone could lose data unseen.
  if (force && grace < 0) grace = 0;
  if (grace >= 0) options.grace_seconds = grace;
  options.dry_run = session.flags.get("dry-run") == "server";
  const std::string cascade = session.flags.get("cascade");
  if (cascade == "orphan" || cascade == "false") {
    options.propagation = Propagation::orphan;
  } else if (cascade == "foreground") {
    options.propagation = Propagation::foreground;
  } else if (cascade != "background" && cascade != "true") {
    return local_error(str("invalid cascade value (", cascade,
                           "). Must be \"background\", \"foreground\", or \"orphan\""));
  }
  return options;
}

class Delete {
 public:
  Delete(Session& session, DeleteOptions options, Millis timeout)
      : session_(session), options_(std::move(options)), timeout_(timeout) {}

  Result<int> run(const std::vector<Target>& targets) {
    bool failed = false;
    for (const Target& target : targets) {
      if (!target.name.empty()) {
        one(target);
        continue;
      }
      for (const Found& found : read_targets(session_, {target}, failed)) {
        one({found.kind, api::name_of(found.object), namespace_of(session_, found)});
      }
    }
    if (seen_ == 0 && errors_.empty() && !failed) std::cout << "No resources found\n";
    std::cout.flush();
    if (session_.flags.on("wait") && !dry_run()) wait();
    for (const Error& error : errors_) print_error(session_, error);
    return errors_.empty() && !failed ? exit_ok : exit_failure;
  }

 private:
  bool dry_run() const {
    const std::string text = session_.flags.get("dry-run");
    return text != "none" && text != "false";
  }

  void one(const Target& target) {
    ++seen_;
    const std::string space = !target.namespace_name.empty()
                                  ? target.namespace_name
                                  : namespace_for(session_, *target.kind);
    if (dry_run() && !options_.dry_run) return report(target);
    auto deleted = session_.client->remove(*target.kind, space, target.name, options_);
    if (!deleted) {
      if (deleted.error().code() == ErrorCode::not_found && session_.flags.on("ignore-not-found")) {
        return;
      }
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
  std::vector<Doomed> doomed_;
  std::vector<Error> errors_;
  size_t seen_ = 0;
};

Result<void> check_selection(const Session& session, const std::vector<Target>& targets) {
  const Flags& flags = session.flags;
  if (targets.empty()) {
    return local_error(
        "You must provide one or more resources by argument or filename.\nExample resource "
        "specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> "
        "<name>'\n   '<resource>'");
  }
  const bool selects = flags.on("all") || flags.given("selector") || flags.given("field-selector");
  if (targets[0].name.empty() && !selects) {
    return local_error(
        "resource(s) were provided, but no name, label selector, or --all flag specified");
  }
  if (!targets[0].name.empty() && selects && !flags.given("filename")) {
    return local_error("name cannot be provided when a selector is specified");
  }
  if (flags.on("all") && flags.given("selector")) {
    return local_error("cannot set --all and --selector at the same time");
  }
  return {};
}

Result<int> run_delete(Session& session) {
  HOP_TRY(auto options, read_options(session));
  HOP_TRY(Millis timeout, duration_flag(session, "timeout"));
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(session.flags.args()));
  }
  HOP_CHECK(check_selection(session, targets));
  if (options.grace_seconds == 0) {
    std::cerr << "warning: Immediate deletion does not wait for confirmation that the running "
                 "resource has been terminated. The resource may continue to run on the cluster "
                 "indefinitely.\n";
  }
  for (const Target& target : targets) {
    if (target.kind->namespaced || !session.namespace_given) continue;
    std::cerr
        << "warning: deleting cluster-scoped resources, not scoped to the provided namespace\n";
    break;
  }
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
