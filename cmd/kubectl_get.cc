#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_resources.h"
#include "cmd/kubectl_table.h"
#include "cmd/kubectl_watch.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array get_flags{
    selector_flag,
    all_namespaces_flag,
    output_flag,
    FlagSpec{"field-selector", 0, FlagKind::value, "", "Field query, e.g. spec.nodeName=k8s-w1"},
    FlagSpec{"show-labels", 0, FlagKind::boolean, "", "Show all labels as the last column."},
    FlagSpec{"label-columns", 'L', FlagKind::value, "", "Labels to show as columns, with commas."},
    FlagSpec{"sort-by", 0, FlagKind::value, "", "Sort by this JSONPath, e.g. .metadata.name"},
    FlagSpec{"no-headers", 0, FlagKind::boolean, "", "Leave the headers out."},
    FlagSpec{"watch", 'w', FlagKind::boolean, "", "After listing, show every change."},
    FlagSpec{"watch-only", 0, FlagKind::boolean, "", "Show changes without listing first."},
    FlagSpec{"output-watch-events", 0, FlagKind::boolean, "", "Show the kind of each change."},
    FlagSpec{"show-kind", 0, FlagKind::boolean, "", "Put the kind before the name."},
    FlagSpec{"ignore-not-found", 0, FlagKind::boolean, "", "Missing objects are no error."},
    FlagSpec{"raw", 0, FlagKind::value, "", "Print what the server answers for this path."},
    FlagSpec{"chunk-size", 0, FlagKind::value, "500", "Accepted, without effect."},
    FlagSpec{"show-managed-fields", 0, FlagKind::boolean, "", "Accepted, without effect."},
    FlagSpec{"server-print", 0, FlagKind::boolean, "true", "Accepted, without effect."},
    filename_flag,
    recursive_flag,
};

/// Targets of one kind, next to each other on the command line: one table.
struct Group {
  const api::Kind* kind = nullptr;
  Json table;
};

class Get {
 public:
  Get(Session& session, OutputFormat format) : session_(session), format_(std::move(format)) {}

  Result<int> run(const std::vector<Target>& targets) {
    targets_ = targets;
    if (session_.flags.on("watch") || session_.flags.on("watch-only")) return watch();
    return format_.is_table() ? tables() : objects();
  }

 private:
  Result<int> watch() {
    if (targets_.size() != 1) {
      return local_error("you may only specify a single resource type");
    }
    return watch_target(session_, targets_[0], format_, style(*targets_[0].kind, false));
  }

  TableStyle style(const api::Kind& kind, bool several) const {
    TableStyle out;
    out.wide = format_.wide();
    out.headers = !session_.flags.on("no-headers");
    out.with_namespace = session_.flags.on("all-namespaces") && kind.namespaced;
    out.show_labels = session_.flags.on("show-labels");
    out.show_events = session_.flags.on("output-watch-events");
    for (const std::string& value : session_.flags.all("label-columns")) {
      for (std::string_view label : split(value, ',')) out.label_columns.emplace_back(label);
    }
    if (several || session_.flags.on("show-kind")) out.name_prefix = object_name(kind, "");
    return out;
  }

  void fail(const Error& error) {
    if (error.code() == ErrorCode::not_found && session_.flags.on("ignore-not-found")) return;
    errors_.push_back(error);
  }

  Result<Json> read_table(const Target& target) {
    web::Query query;
    if (target.name.empty()) {
      query = selection_query(session_);
      if (session_.flags.given("sort-by")) query.add("includeObject", "Object");
    }
    std::string path = target_path(session_, target, session_.flags.on("all-namespaces"));
    std::string text = query.text();
    return session_.client->get_table(text.empty() ? path : path + "?" + text);
  }

  std::vector<Group> read_groups() {
    std::vector<Group> groups;
    for (const Target& target : targets_) {
      auto table = read_table(target);
      if (!table) {
        fail(table.error());
        continue;
      }
      if (!groups.empty() && groups.back().kind == target.kind) {
        for (Json& row : (*table)["rows"]) groups.back().table["rows"].push_back(std::move(row));
      } else {
        groups.push_back({target.kind, *std::move(table)});
      }
    }
    return groups;
  }

  Result<int> tables() {
    auto groups = read_groups();
    const bool several = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
      return group.kind != groups[0].kind;
    });
    size_t shown = 0;
    for (Group& group : groups) {
      if (auto by = session_.flags.get("sort-by"); !by.empty()) {
        HOP_TRY(JsonPath path, JsonPath::parse_relaxed(by));
        HOP_CHECK(sort_rows(group.table, path, by));
      }
      std::string text = TablePrinter(style(*group.kind, several)).print(group.table);
      if (text.empty()) continue;
      if (shown++ > 0 && !session_.flags.on("no-headers")) std::cout << "\n";
      std::cout << text;
    }
    if (shown == 0 && errors_.empty() && !session_.flags.on("ignore-not-found"))
      say_nothing_found();
    return end();
  }

  void say_nothing_found() const {
    const bool namespaced = std::any_of(targets_.begin(), targets_.end(), [](const Target& target) {
      return target.kind->namespaced;
    });
    std::cerr << "No resources found";
    if (namespaced && !session_.flags.on("all-namespaces")) {
      std::cerr << " in " << session_.namespace_name << " namespace.";
    }
    std::cerr << "\n";
  }

  Result<int> objects() {
    Json::array_t items;
    for (const Target& target : targets_) {
      web::Query query;
      if (target.name.empty()) query = selection_query(session_);
      std::string path = target_path(session_, target, session_.flags.on("all-namespaces"));
      std::string text = query.text();
      auto answer = session_.client->request("GET", text.empty() ? path : path + "?" + text);
      if (!answer) {
        fail(answer.error());
        continue;
      }
      if (!target.name.empty()) {
        items.push_back(*std::move(answer));
        continue;
      }
      for (Json& item : (*answer)["items"]) items.push_back(std::move(item));
    }
    const bool one = targets_.size() == 1 && !targets_[0].name.empty();
    if (auto by = session_.flags.get("sort-by"); !by.empty()) {
      HOP_CHECK(sort_objects(items, by));
    }
    if (!one && (!items.empty() || errors_.empty())) {
      std::cout << format_.print(make_list(std::move(items)));
    } else if (one && !items.empty()) {
      std::cout << format_.print(items[0]);
    }
    return end();
  }

  static Result<void> sort_objects(Json::array_t& items, const std::string& by) {
    HOP_TRY(JsonPath path, JsonPath::parse_relaxed(by));
    Json table = {{"rows", Json::array()}};
    for (Json& item : items) table["rows"].push_back({{"object", std::move(item)}});
    HOP_CHECK(sort_rows(table, path, by));
    items.clear();
    for (Json& row : table["rows"]) items.push_back(std::move(row["object"]));
    return {};
  }

  int end() {
    for (const Error& error : errors_) print_error(session_, error);
    return errors_.empty() ? exit_ok : exit_failure;
  }

  Session& session_;
  OutputFormat format_;
  std::vector<Target> targets_;
  std::vector<Error> errors_;
};

Result<int> raw(Session& session) {
  HOP_TRY(std::string text, session.client->get_text(session.flags.get("raw")));
  std::cout << text;
  return exit_ok;
}

Result<int> run_get(Session& session) {
  if (session.flags.given("raw")) return raw(session);
  HOP_TRY(auto format,
          OutputFormat::parse(session.flags.get("output"), session.flags.on("no-headers")));
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(session.flags.args()));
  }
  if (targets.empty()) {
    std::cerr
        << "You must specify the type of resource to get. Use \"kubectl api-resources\" for a "
           "complete list of supported resources.\n\n";
    return usage_error("get",
                       "Required resource not specified.\nUse \"kubectl explain <resource>\" for a "
                       "detailed description of that resource (e.g. kubectl explain pods).");
  }
  const bool named = std::any_of(targets.begin(), targets.end(),
                                 [](const Target& target) { return !target.name.empty(); });
  if (named && session.flags.on("all-namespaces")) {
    return local_error("a resource cannot be retrieved by name across all namespaces");
  }
  if (named && session.flags.given("selector")) {
    return local_error(
        "selectors and the all flag cannot be used when passing resource/name arguments");
  }
  return Get(session, std::move(format)).run(targets);
}

}  // namespace

extern const Verb get_verb;
const Verb get_verb{"get",
                    "get (TYPE[,TYPE…] [NAME…] | TYPE/NAME…) [flags]",
                    "Display one or many resources",
                    "  kubectl get pods -A -o wide\n"
                    "  kubectl get pod/web svc/web\n"
                    "  kubectl get nodes -o jsonpath='{.items[*].spec.podCIDR}'\n"
                    "  kubectl get pods -w\n",
                    get_flags,
                    run_get};

}  // namespace hoplab::cmd::kubectl
