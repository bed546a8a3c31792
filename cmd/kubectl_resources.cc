#include "cmd/kubectl_resources.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char mixed_forms[] =
    "there is no need to specify a resource type as a separate argument when passing arguments in "
    "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
    "resource resource/<resource_name>'";

Result<Target> parse_slashed(const std::string& arg) {
  auto parts = split(arg, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return local_error("arguments in resource/name form may not have more than one slash");
  }
  if (parts[0].find(',') != std::string_view::npos) {
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
  for (std::string_view word : split(text, ',')) {
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

std::string namespace_of_target(const Session& session, const Target& target) {
  if (!target.namespace_name.empty()) return target.namespace_name;
  return namespace_for(session, *target.kind);
}

}  // namespace

Result<const api::Kind*> find_kind_or_fail(std::string_view name) {
  const api::Kind* kind = api::find_by_any_name(name);
  if (kind == nullptr) {
    return local_error(str("the server doesn't have a resource type \"", name, "\""));
  }
  return kind;
}

Result<std::vector<Target>> parse_targets(const std::vector<std::string>& args) {
  std::vector<Target> targets;
  if (args.empty()) return targets;
  const auto slashed =
      static_cast<size_t>(std::count_if(args.begin(), args.end(), [](const auto& arg) {
        return arg.find('/') != std::string::npos;
      }));
  if (slashed > 0) {
    if (slashed < args.size()) return local_error(mixed_forms);
    for (const std::string& arg : args) {
      HOP_TRY(Target target, parse_slashed(arg));
      targets.push_back(std::move(target));
    }
    return targets;
  }
  HOP_TRY(auto kinds, parse_kinds(args[0]));
  for (const api::Kind* kind : kinds) {
    if (args.size() == 1) targets.push_back({kind, ""});
    for (size_t i = 1; i < args.size(); ++i) targets.push_back({kind, args[i]});
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

std::vector<Found> read_targets(Session& session, const std::vector<Target>& targets,
                                bool& failed) {
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
        failed = print_error(session, object.error()) != exit_ok;
      }
      continue;
    }
    selection.namespace_name = session.flags.on("all-namespaces") ? std::string() : space;
    auto list = session.client->list(*target.kind, selection);
    if (!list) {
      failed = print_error(session, list.error()) != exit_ok;
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
