#include "cmd/kubectl_label.h"

#include <array>
#include <iostream>

#include "cmd/kubectl_resources.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"
#include "store/api/names.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array label_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    kustomize_flag,
    output_flag,
    template_flag,
    dry_run_flag,
    field_selector_flag,
    FlagSpec{"all", 0, FlagKind::boolean, "", "All objects of the given kinds."},
    FlagSpec{"overwrite", 0, FlagKind::boolean, "false", "Allow present values to be changed."},
    FlagSpec{"list", 0, FlagKind::boolean, "", "Show what the objects have."},
    FlagSpec{"resource-version", 0, FlagKind::value, "", "Only if the object is at this version."},
};

struct Words {
  std::string what;   ///< "label"
  std::string field;  ///< "labels"
  std::string done;   ///< "labeled"
};

void list_pairs(const Found& found, const Words& words, bool one) {
  if (!one) {
    std::cout << "Listing " << words.field << " for " << found.kind->kind << "."
              << found.kind->group << "/" << api::name_of(found.object) << ":\n";
  }
  const Json& pairs = member(member(found.object, "metadata"), words.field);
  for (auto it = pairs.begin(); pairs.is_object() && it != pairs.end(); ++it) {
    std::cout << (one ? "" : " ") << it.key() << "="
              << (it->is_string() ? it->get<std::string>() : "") << "\n";
  }
}

Result<void> change_one(Session& session, const WriteMode& mode, const Words& words,
                        const PairChanges& changes, const Found& found) {
  if (words.what == "label" && !mode.client_dry_run) {
    for (const std::string& key : changes.removed) {
      if (member(at_path(found.object, "metadata.labels"), key).is_null()) {
        std::cout << "label \"" << key << "\" not found.\n";
      }
    }
  }
  HOP_TRY(Json patch,
          pair_patch(changes, found.object, words.field, session.flags.on("overwrite")));
  const std::string_view said =
      patch.empty() && words.what == "label" ? "not labeled" : std::string_view(words.done);
  if (mode.client_dry_run) {
    Json changed = found.object;
    changed.merge_patch(patch);
    WriteMode plain = mode;
    plain.client_dry_run = words.what != "label";  // kubectl 1.20 says it of annotate alone.
    return plain.report(changed, said);
  }
  if (const std::string version = session.flags.get("resource-version"); !version.empty()) {
    patch["metadata"]["resourceVersion"] = version;
  }
  HOP_TRY(Json patched, session.client->patch(*found.kind, namespace_of(session, found),
                                              api::name_of(found.object), PatchType::merge, patch,
                                              Subresource::none, mode.options));
  return mode.report(patched, said);
}

Result<void> check_flags(const Session& session, const PairChanges& changes, const Words& words) {
  const Flags& flags = session.flags;
  if (flags.on("list") && !flags.get("output").empty()) {
    return local_error("--list and --output may not be specified together");
  }
  for (const char* selector : {"selector", "field-selector"}) {
    if (!flags.on("all") || flags.get(selector).empty()) continue;
    return local_error(str("cannot set --all and --", selector, " at the same time"));
  }
  if (changes.resources.empty() && !flags.given("filename")) {
    return local_error(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>");
  }
  if (changes.set.empty() && changes.removed.empty() && !flags.on("list")) {
    return local_error("at least one " + words.what + " update is required");
  }
  return {};
}

Result<int> run_changes(Session& session, const Words& words) {
  HOP_TRY(auto mode, WriteMode::read(session));
  HOP_TRY(auto changes, PairChanges::parse(session.flags.args(), words.what));
  HOP_CHECK(check_flags(session, changes, words));
  HOP_TRY(auto targets, choose_targets(session, changes.resources));
  const bool one = targets.size() == 1 && !targets[0].name.empty();
  if (!one && session.flags.given("resource-version")) {
    return local_error("--resource-version may only be used with a single resource");
  }
  std::vector<Error> errors;
  for (const Found& found : read_targets(session, targets, errors)) {
    if (session.flags.on("list")) {
      list_pairs(found, words, one);
      continue;
    }
    auto changed = change_one(session, mode, words, changes, found);
    if (!changed) errors.push_back(std::move(changed).error());
  }
  return print_errors(session, errors);
}

Result<int> run_label(Session& session) {
  return run_changes(session, {"label", "labels", "labeled"});
}

Result<int> run_annotate(Session& session) {
  return run_changes(session, {"annotation", "annotations", "annotated"});
}

bool is_pair(const std::string& arg) {
  return (arg.find('=') != std::string::npos && arg[0] != '=') ||
         (arg.ends_with('-') && arg != "-");
}

Result<void> check_label(const std::string& arg, const std::string& value) {
  if (value.find('=') != std::string::npos) return local_error("invalid label spec: " + arg);
  const auto problems = api::label_value_problems(value);
  if (problems.empty()) return {};
  return local_error(str("invalid label value: \"", arg, "\": ", join(problems, ";")));
}

/// Keys that are both set and removed, which may not be.
Result<void> check_contradictions(const PairChanges& changes, std::string_view what) {
  std::vector<std::string> both;
  for (const std::string& removed : changes.removed) {
    for (const auto& [key, value] : changes.set) {
      if (key == removed) both.push_back(key);
    }
  }
  if (both.empty()) return {};
  if (what == "label") {
    return local_error("can not both modify and remove a label in the same command");
  }
  return local_error(
      "can not both modify and remove the following annotation(s) in the same command: " +
      join(both, ", "));
}

/// What stands in the way of setting these pairs without --overwrite; "" when nothing does.
std::string conflicts(const PairChanges& changes, const Json& present, bool labels) {
  std::vector<std::string> out;
  for (const auto& [key, value] : changes.set) {
    if (member(present, key).is_null()) continue;
    if (!labels && key == "kubernetes.io/change-cause") continue;
    out.push_back(str("'", key, "' already has a value (", string_or(present, key), ")",
                      labels ? ", and --overwrite is false" : ""));
  }
  if (out.empty()) return {};
  if (!labels) {
    return "--overwrite is false but found the following declared annotation(s): " +
           join(out, "; ");
  }
  return out.size() == 1 ? out[0] : "[" + join(out, ", ") + "]";
}

}  // namespace

Result<PairChanges> PairChanges::parse(const std::vector<std::string>& args,
                                       std::string_view what) {
  PairChanges out;
  std::vector<std::string> pairs;
  for (const std::string& arg : args) {
    if (is_pair(arg)) {
      pairs.push_back(arg);
    } else if (pairs.empty()) {
      out.resources.push_back(arg);
    } else {
      return local_error(str("all resources must be specified before ", what, " changes: ", arg));
    }
  }
  for (const std::string& arg : pairs) {
    auto equals = arg.find('=');
    if (equals == std::string::npos) {
      out.removed.push_back(arg.substr(0, arg.size() - 1));
      continue;
    }
    if (what == "label") HOP_CHECK(check_label(arg, arg.substr(equals + 1)));
    out.set.emplace_back(arg.substr(0, equals), arg.substr(equals + 1));
  }
  HOP_CHECK(check_contradictions(out, what));
  return out;
}

Result<Json> pair_patch(const PairChanges& changes, const Json& object, const std::string& field,
                        bool overwrite) {
  const Json& present = member(member(object, "metadata"), field);
  if (!overwrite) {
    if (auto text = conflicts(changes, present, field == "labels"); !text.empty()) {
      return local_error(std::move(text));
    }
  }
  Json changed = Json::object();
  for (const auto& [key, value] : changes.set) {
    if (member(present, key) != value) changed[key] = value;
  }
  for (const std::string& key : changes.removed) {
    if (!member(present, key).is_null()) changed[key] = nullptr;
  }
  if (changed.empty()) return Json::object();
  return Json{{"metadata", {{field, std::move(changed)}}}};
}

extern const Verb label_verb;
const Verb label_verb{"label",
                      "label [--overwrite] (-f FILE | TYPE NAME) KEY=VALUE… KEY-… [flags]",
                      "Set or remove labels of objects",
                      "  kubectl label pod web tier=front\n"
                      "  kubectl label pod web tier-\n"
                      "  kubectl label --overwrite nodes --all zone=a\n",
                      label_flags,
                      run_label};

extern const Verb annotate_verb;
const Verb annotate_verb{"annotate",
                         "annotate [--overwrite] (-f FILE | TYPE NAME) KEY=VALUE… KEY-… [flags]",
                         "Set or remove annotations of objects",
                         "  kubectl annotate pod web note='my first pod'\n"
                         "  kubectl annotate pod web note-\n",
                         label_flags,
                         run_annotate};

}  // namespace hoplab::cmd::kubectl
