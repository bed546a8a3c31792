#include <algorithm>
#include <array>
#include <iostream>

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
    template_flag,
    field_selector_flag,
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
    filename_flag,
    recursive_flag,
    kustomize_flag,
    FlagSpec{"chunk-size", 0, FlagKind::number, "500"},
    FlagSpec{"show-managed-fields"},
    FlagSpec{"server-print", 0, FlagKind::boolean, "true"},
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
    for (const Target& target : targets_) {
      if (target.kind == targets_[0].kind) continue;
      return local_error("you may only specify a single resource type");
    }
    if (targets_.size() != 1) {
      return local_error(
          "watch is only supported on individual resources and resource collections - more than 1 "
          "resource was found");
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
    out.label_columns = session_.flags.list("label-columns");
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
        fail(with_selection(session_, target, std::move(table).error()));
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
        fail(with_selection(session_, target, std::move(answer).error()));
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
    const bool answered = std::none_of(errors_.begin(), errors_.end(), [](const Error& error) {
      return error.sys_errno() != 0 || error.code() == ErrorCode::unavailable;
    });
    const bool all_excused = items.empty() && session_.flags.on("ignore-not-found");
    if (!one && answered && !all_excused) {
      HOP_TRY(std::string text, format_.print(make_list(std::move(items))));
      std::cout << text;
    } else if (one && !items.empty()) {
      HOP_TRY(std::string text, format_.print(items[0]));
      std::cout << text;
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

  int end() const { return print_errors(session_, errors_); }

  Session& session_;
  OutputFormat format_;
  std::vector<Target> targets_;
  std::vector<Error> errors_;
};

Result<int> raw(Session& session) {
  const Flags& flags = session.flags;
  if (!flags.args().empty()) {
    return local_error("arguments may not be passed when --raw is specified");
  }
  if (flags.on("watch") || flags.on("watch-only") || !flags.get("selector").empty()) {
    return local_error(
        "--raw may not be specified with other flags that filter the server request or alter the "
        "output");
  }
  if (!flags.get("output").empty()) {
    return usage_error("get", "--raw and --output are mutually exclusive");
  }
  if (!flags.get("raw").starts_with('/')) {
    return usage_error("get", str("--raw must be a valid URL path: parse \"", flags.get("raw"),
                                  "\": invalid URI for request"));
  }
  HOP_TRY(std::string text, session.client->get_text(flags.get("raw")));
  std::cout << text;
  return exit_ok;
}

Result<void> check_flags(const Session& session) {
  const Flags& flags = session.flags;
  const std::string output = flags.get("output");
  const bool watches = flags.on("watch") || flags.on("watch-only");
  if (!watches && flags.args().empty() && !flags.given("filename")) {
    std::cerr
        << "You must specify the type of resource to get. Use \"kubectl api-resources\" for a "
           "complete list of supported resources.\n\n";
    return usage_error("get",
                       "Required resource not specified.\nUse \"kubectl explain <resource>\" for a "
                       "detailed description of that resource (e.g. kubectl explain pods).");
  }
  if (flags.on("show-labels") && !output.empty() && output != "wide") {
    return local_error("--show-labels option cannot be used with " + output + " printer");
  }
  if (flags.on("output-watch-events") && !watches) {
    return usage_error("get",
                       "--output-watch-events option can only be used with --watch or "
                       "--watch-only");
  }
  return {};
}

Result<int> run_get(Session& session) {
  if (!session.flags.get("raw").empty()) return raw(session);
  HOP_CHECK(check_flags(session));
  HOP_TRY(auto targets, choose_targets(session, session.flags.args(), true));
  HOP_TRY(auto format, OutputFormat::read(session.flags, true));
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
