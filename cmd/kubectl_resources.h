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

/// `pod/x svc/y`, `pods x y`, `po,svc`, `po,svc x`, `all`. Errors in kubectl's words. Pure.
Result<std::vector<Target>> parse_targets(const std::vector<std::string>& args);
/// What a verb works on: the files of -f, else `args`; with what kubectl says when the forms do not
/// go together with each other, with --all, -l or --field-selector, or when there is nothing.
/// `kind_alone`: `pods` alone means all of them, as for get and describe. Never empty.
Result<std::vector<Target>> choose_targets(Session& session, const std::vector<std::string>& args,
                                           bool kind_alone = false);
/// "po", "deployments.apps": `the server doesn't have a resource type "foo"` when there is none.
Result<const api::Kind*> find_kind_or_fail(std::string_view name);

/// Where a target is: path without query. `all_namespaces` drops the namespace.
std::string target_path(const Session& session, const Target& target, bool all_namespaces = false);

/// An object with where it lives.
struct Found {
  const api::Kind* kind = nullptr;
  Json object;
};

/// What the server says about a list that cannot be, with what was asked for.
Error with_selection(const Session& session, const Target& target, Error error);
/// The whole objects of the targets, lists unfolded (with -l and --field-selector where the verb
/// has them). What cannot be read goes to `errors`.
std::vector<Found> read_targets(Session& session, const std::vector<Target>& targets,
                                std::vector<Error>& errors);

/// -l and --field-selector of the command line as a query, "" when there are none.
web::Query selection_query(const Session& session);

/// The namespace of an object we read.
std::string namespace_of(const Session& session, const Found& found);

}  // namespace hoplab::cmd::kubectl
