#include "cmd/kubectl_resources.h"

#include <algorithm>

#include "cmd/kubectl_files.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char mixed_forms[] =
    "there is no need to specify a resource type as a separate argument when passing arguments in "
    "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
    "resource resource/<resource_name>'";

constexpr char nothing_named[] =
    "You must provide one or more resources by argument or filename.\nExample resource "
    "specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> "
    "<name>'\n   '<resource>'";

Result<Target> parse_slashed(const std::string& arg) {
  auto parts = split(arg, '/');
  if (parts.size() != 2) {
    return local_error("arguments in resource/name form may not have more than one slash");
  }
  if (parts[0].empty() || parts[1].empty() || parts[0].find(',') != std::string_view::npos) {
    return local_error("arguments in resource/name form must have a single resource and name");
  }
  HOP_TRY(const api::Kind* kind, find_kind_or_fail(parts[0]));
  return Target{kind, std::string(parts[1])};
}

/// "po,svc" or "all".
Result<std::vector<const api::Kind*>> parse_kinds(std::string_view text) {
  std::vector<const api::Kind*> kinds;
  auto add = [&kinds](const api::Kind* kind) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  };
  auto words = split(text, ',');
  if (words.empty()) words.emplace_back();
  for (std::string_view word : words) {
    if (word == "all") {
      for (const api::Kind& kind : api::kinds()) {
        if (std::find(kind.categories.begin(), kind.categories.end(), "all") !=
            kind.categories.end()) {
          add(&kind);
        }
      }
      continue;
    }
    HOP_TRY(const api::Kind* kind, find_kind_or_fail(word));
    add(kind);
  }
  return kinds;
}

bool has_slash(const std::string& arg) {
  return arg.find('/') != std::string::npos;
}

/// `po,svc web` means `po/web svc/web`.
std::vector<std::string> spread_kinds(const std::vector<std::string>& args) {
  if (args.size() < 2 || args[0].find(',') == std::string::npos) return args;
  std::vector<std::string> out;
  std::vector<std::string_view> seen;
  for (std::string_view kind : split(args[0], ',')) {
    if (std::find(seen.begin(), seen.end(), kind) != seen.end()) continue;
    seen.push_back(kind);
    for (size_t i = 1; i < args.size(); ++i) out.push_back(str(kind, "/", args[i]));
  }
  return seen.size() > 1 ? out : args;
}

/// An argument may be wrong only because there is no server to ask; then kubectl says that.
Error or_unreachable(Session& session, Error error) {
  if (!session.client) return error;
  auto answer = session.client->request("GET", "/api");
  if (!answer && answer.error().code() == ErrorCode::unavailable) return std::move(answer).error();
  return error;
}

std::string namespace_of_target(const Session& session, const Target& target) {
  if (!target.namespace_name.empty()) return target.namespace_name;
  return namespace_for(session, *target.kind);
}

}  // namespace

Result<const api::Kind*> find_kind_or_fail(std::string_view name) {
  const api::Kind* kind = api::find_by_any_name(name);
  if (kind == nullptr) {
    return local_error(
        str("the server doesn't have a resource type \"", name.substr(0, name.find('.')), "\""));
  }
  return kind;
}

Result<std::vector<Target>> parse_targets(const std::vector<std::string>& given) {
  std::vector<Target> targets;
  if (given.empty()) return targets;
  const std::vector<std::string> args = spread_kinds(given);
  const auto slashed = static_cast<size_t>(std::count_if(args.begin(), args.end(), has_slash));
  if (slashed > 0) {
    if (slashed < args.size()) return local_error(mixed_forms);
    for (const std::string& arg : args) {
      HOP_TRY(Target target, parse_slashed(arg));
      targets.push_back(std::move(target));
    }
    return targets;
  }
  HOP_TRY(auto kinds, parse_kinds(args[0]));
  if (args.size() > 1 && kinds.size() > 1) {
    return local_error("you must specify only one resource");
  }
  for (const api::Kind* kind : kinds) {
    if (args.size() == 1) targets.push_back({kind, ""});
    for (size_t i = 1; i < args.size(); ++i) targets.push_back({kind, args[i]});
  }
  return targets;
}

namespace {

/// What may not stand together on a command line, in the order in which kubectl looks at it.
Result<void> check_forms(const Session& session, const std::vector<std::string>& args, bool files,
                         bool selects) {
  const bool tuples = !args.empty() && has_slash(spread_kinds(args)[0]);
  if (files) {
    if (tuples) {
      return local_error("resource/name arguments cannot be provided when a path is specified");
    }
    if (!args.empty()) {
      return local_error(
          "when paths, URLs, or stdin is provided as input, you may not specify resource "
          "arguments as well");
    }
    return {};
  }
  if (selects) {
    if (args.size() > 1 && !tuples) {
      return local_error("name cannot be provided when a selector is specified");
    }
    if (tuples) {
      return local_error(
          "selectors and the all flag cannot be used when passing resource/name arguments");
    }
    if (args.empty()) {
      return local_error("at least one resource must be specified to use a selector");
    }
  }
  if (args.empty()) return local_error(nothing_named);
  const bool named = tuples || args.size() > 1;
  const bool everywhere = session.flags.on("all-namespaces");
  if (!named || !everywhere) return {};
  HOP_TRY(auto targets, parse_targets(args));
  for (const Target& target : targets) {
    if (!target.kind->namespaced) continue;
    return local_error("a resource cannot be retrieved by name across all namespaces");
  }
  return {};
}

}  // namespace

Result<std::vector<Target>> choose_targets(Session& session, const std::vector<std::string>& args,
                                           bool kind_alone) {
  const Flags& flags = session.flags;
  const bool files = flags.given("filename");
  const bool selects =
      !flags.get("selector").empty() || !flags.get("field-selector").empty() || flags.on("all");
  // Wrong forms of arguments come before what does not go together.
  const auto spread = spread_kinds(args);
  if (std::any_of(spread.begin(), spread.end(), has_slash)) {
    HOP_CHECK(parse_targets(args));
  }
  if (files) {
    HOP_TRY(auto targets, targets_of_files(session));
    HOP_CHECK(check_forms(session, args, files, selects));
    return targets;
  }
  if (auto checked = check_forms(session, args, files, selects); !checked) {
    return or_unreachable(session, std::move(checked).error());
  }
  auto targets = parse_targets(args);
  if (!targets) return or_unreachable(session, std::move(targets).error());
  if ((*targets)[0].name.empty() && !selects && !kind_alone) {
    return local_error(
        "resource(s) were provided, but no name, label selector, or --all flag specified");
  }
  return targets;
}

std::string target_path(const Session& session, const Target& target, bool all_namespaces) {
  std::string space = all_namespaces ? std::string() : namespace_of_target(session, target);
  return web::Client::path_of(*target.kind, space, target.name);
}

web::Query selection_query(const Session& session) {
  web::Query query;
  if (auto text = session.flags.get("selector"); !text.empty()) query.add("labelSelector", text);
  if (auto text = session.flags.get("field-selector"); !text.empty()) {
    query.add("fieldSelector", text);
  }
  return query;
}

Error with_selection(const Session& session, const Target& target, Error error) {
  if (!target.name.empty()) return error;
  if (error.code() != ErrorCode::bad_request && error.code() != ErrorCode::not_found) return error;
  const std::string labels = session.flags.get("selector");
  const std::string fields = session.flags.get("field-selector");
  const std::string resource = str("\"", target.kind->group, "/", target.kind->version,
                                   ", Resource=", target.kind->plural, "\"");
  if (labels.empty() && fields.empty()) {
    return std::move(error).context("Unable to list " + resource);
  }
  return std::move(error).context(str("Unable to find ", resource, " that match label selector \"",
                                      labels, "\", field selector \"", fields, "\""));
}

std::vector<Found> read_targets(Session& session, const std::vector<Target>& targets,
                                std::vector<Error>& errors) {
  std::vector<Found> found;
  Selection selection;
  selection.label_selector = session.flags.get("selector");
  selection.field_selector = session.flags.get("field-selector");
  for (const Target& target : targets) {
    std::string space = namespace_of_target(session, target);
    if (!target.name.empty()) {
      auto object = session.client->get(*target.kind, space, target.name);
      if (object) {
        found.push_back({target.kind, *std::move(object)});
      } else {
        errors.push_back(std::move(object).error());
      }
      continue;
    }
    selection.namespace_name = session.flags.on("all-namespaces") ? std::string() : space;
    auto list = session.client->list(*target.kind, selection);
    if (!list) {
      errors.push_back(with_selection(session, target, std::move(list).error()));
      continue;
    }
    for (Json& item : list->items) found.push_back({target.kind, std::move(item)});
  }
  return found;
}

std::string namespace_of(const Session& session, const Found& found) {
  if (!found.kind->namespaced) return {};
  std::string space = api::namespace_of(found.object);
  return space.empty() ? session.namespace_name : space;
}

}  // namespace hoplab::cmd::kubectl
