#include "cmd/kubectl_label.h"

#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"
#include "store/api/names.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array label_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    all_namespaces_flag,
    output_flag,
    dry_run_flag,
    FlagSpec{"field-selector", 0, FlagKind::value, "", "Field query, e.g. spec.nodeName=k8s-w1"},
    FlagSpec{"all", 0, FlagKind::boolean, "", "All objects of the given kinds."},
    FlagSpec{"overwrite", 0, FlagKind::boolean, "false", "Allow present values to be changed."},
    FlagSpec{"list", 0, FlagKind::boolean, "", "Show what the objects have."},
};

struct Words {
  std::string what;   ///< "label"
  std::string field;  ///< "labels"
  std::string done;   ///< "labeled"
};

void list_pairs(const Found& found, const std::string& field) {
  const Json& pairs = member(member(found.object, "metadata"), field);
  for (auto it = pairs.begin(); pairs.is_object() && it != pairs.end(); ++it) {
    std::cout << it.key() << "=" << (it->is_string() ? it->get<std::string>() : "") << "\n";
  }
}

Result<void> change_one(Session& session, const WriteMode& mode, const Words& words,
                        const PairChanges& changes, const Found& found) {
  std::vector<std::string> missing;
  HOP_TRY(Json patch,
          pair_patch(changes, found.object, words.field, session.flags.on("overwrite"), missing));
  for (const std::string& key : missing) {
    std::cout << words.what << " \"" << key << "\" not found.\n";
  }
  if (patch.empty() || mode.client_dry_run) {
    return mode.report(found.object,
                       patch.empty() && words.what == "label" ? "not labeled" : words.done);
  }
  HOP_TRY(Json patched, session.client->patch(*found.kind, namespace_of(session, found),
                                              api::name_of(found.object), PatchType::merge, patch,
                                              Subresource::none, mode.options));
  return mode.report(patched, words.done);
}

Result<int> run_changes(Session& session, const Words& words) {
  HOP_TRY(auto mode, WriteMode::read(session));
  HOP_TRY(auto changes, PairChanges::parse(session.flags.args(), words.what));
  const bool listing = session.flags.on("list");
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(changes.resources));
  }
  const bool selects = session.flags.on("all") || session.flags.given("selector") ||
                       session.flags.given("field-selector") || listing;
  if (targets.empty()) {
    return local_error(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>");
  }
  if (changes.set.empty() && changes.removed.empty() && !listing) {
    return local_error("at least one " + words.what + " update is required");
  }
  if (targets[0].name.empty() && !selects) {
    return local_error(
        "resource(s) were provided, but no name, label selector, or --all flag "
        "specified");
  }
  bool failed = false;
  for (const Found& found : read_targets(session, targets, failed)) {
    if (listing) {
      list_pairs(found, words.field);
      continue;
    }
    auto changed = change_one(session, mode, words, changes, found);
    if (!changed) failed = print_error(session, changed.error()) != exit_ok;
  }
  return failed ? exit_failure : exit_ok;
}

Result<int> run_label(Session& session) {
  return run_changes(session, {"label", "labels", "labeled"});
}

Result<int> run_annotate(Session& session) {
  return run_changes(session, {"annotation", "annotations", "annotated"});
}

bool is_pair(const std::string& arg) {
  return arg.find('=') != std::string::npos || arg.ends_with('-');
}

Result<void> check_pair(const std::string& arg, const std::string& key, const std::string& value,
                        std::string_view what) {
  auto problems = api::qualified_name_problems(key);
  if (problems.empty() && what == "label") problems = api::label_value_problems(value);
  if (problems.empty()) return {};
  return local_error(str("invalid ", what, " ", what == "label" ? "value" : "update", ": \"", arg,
                         "\": ", join(problems, "; ")));
}

}  // namespace

Result<PairChanges> PairChanges::parse(const std::vector<std::string>& args,
                                       std::string_view what) {
  PairChanges out;
  bool pairs = false;
  for (const std::string& arg : args) {
    if (!is_pair(arg)) {
      if (pairs) {
        return local_error(str("all resources must be specified before ", what, " changes: ", arg));
      }
      out.resources.push_back(arg);
      continue;
    }
    pairs = true;
    auto equals = arg.find('=');
    if (equals == std::string::npos) {
      out.removed.push_back(arg.substr(0, arg.size() - 1));
      HOP_CHECK(check_pair(arg, out.removed.back(), "", what));
    } else {
      out.set.emplace_back(arg.substr(0, equals), arg.substr(equals + 1));
      HOP_CHECK(check_pair(arg, out.set.back().first, out.set.back().second, what));
    }
  }
  for (const auto& [key, value] : out.set) {
    for (const std::string& removed : out.removed) {
      if (removed == key) {
        return local_error(str("can not both modify and remove a ", what, " in the same command"));
      }
    }
  }
  return out;
}

Result<Json> pair_patch(const PairChanges& changes, const Json& object, const std::string& field,
                        bool overwrite, std::vector<std::string>& missing) {
  const Json& present = member(member(object, "metadata"), field);
  Json changed = Json::object();
  for (const auto& [key, value] : changes.set) {
    const Json& old = member(present, key);
    if (old == value) continue;
    if (!old.is_null() && !overwrite) {
      const std::string conflict =
          str("'", key, "' already has a value (", string_or(present, key), ")");
      return local_error(field == "labels"
                             ? conflict + ", and --overwrite is false"
                             : "--overwrite is false but found the following declared "
                               "annotation(s): " +
                                   conflict);
    }
    changed[key] = value;
  }
  for (const std::string& key : changes.removed) {
    if (member(present, key).is_null()) {
      if (field == "labels") missing.push_back(key);
    } else {
      changed[key] = nullptr;
    }
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
