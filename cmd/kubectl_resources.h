#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl.h"

namespace hoplab::cmd::kubectl {

/// One thing that the command line names: an object, or (without a name) all objects of a kind.
struct Target {
  const api::Kind* kind = nullptr;
  std::string name;
  std::string namespace_name = {};  ///< Where a file puts it; empty = the session's.
  bool operator==(const Target&) const = default;
};

/// `pod/x svc/y`, `pods x y`, `po,svc`, `all`. Errors in kubectl's words. Pure.
Result<std::vector<Target>> parse_targets(const std::vector<std::string>& args);
/// "po", "deployments.apps": `the server doesn't have a resource type "foo"` when there is none.
Result<const api::Kind*> find_kind_or_fail(std::string_view name);

/// Where a target is: path without query. `all_namespaces` drops the namespace.
std::string target_path(const Session& session, const Target& target, bool all_namespaces = false);

/// An object with where it lives.
struct Found {
  const api::Kind* kind = nullptr;
  Json object;
};

/// The whole objects of the targets, lists unfolded (with -l and --field-selector where the verb
/// has them). What cannot be read is printed; `failed` is set then.
std::vector<Found> read_targets(Session& session, const std::vector<Target>& targets, bool& failed);

/// -l and --field-selector of the command line as a query, "" when there are none.
web::Query selection_query(const Session& session);

/// The namespace of an object we read.
std::string namespace_of(const Session& session, const Found& found);

}  // namespace hoplab::cmd::kubectl
