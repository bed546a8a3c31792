#include "cmd/kubectl_describe.h"

#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_pods.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array describe_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    all_namespaces_flag,
    FlagSpec{"show-events", 0, FlagKind::boolean, "true", "Show the object's events."},
};

/// A list that only decorates the description: an error leaves it empty.
std::vector<Json> list_or_empty(Session& session, const char* kind, const Selection& selection) {
  auto list = session.client->list(api::kind_of(kind), selection);
  return list ? std::move(list->items) : std::vector<Json>();
}

std::vector<Json> events_of(Session& session, const Found& found) {
  // Events of a node name it twice, with its uid and with its name in the uid's place.
  const std::string uid = found.kind->kind == "Node" ? "" : api::uid_of(found.object);
  Selection selection;
  selection.namespace_name = api::namespace_of(found.object);
  selection.field_selector = str("involvedObject.kind=", found.kind->kind,
                                 ",involvedObject.name=", api::name_of(found.object),
                                 uid.empty() ? "" : ",involvedObject.uid=" + uid);
  auto events = list_or_empty(session, "Event", selection);
  std::stable_sort(events.begin(), events.end(), [](const Json& a, const Json& b) {
    return string_or(a, "lastTimestamp") < string_or(b, "lastTimestamp");
  });
  return events;
}

bool is_owned(const Json& object, const Json& owner) {
  const Json& owners = at_path(object, "metadata.ownerReferences");
  return owners.is_array() && std::any_of(owners.begin(), owners.end(), [&](const Json& one) {
           return bool_or(one, "controller") && string_or(one, "uid") == api::uid_of(owner);
         });
}

DescribeInput read_input(Session& session, Found found) {
  DescribeInput input;
  input.kind = found.kind;
  input.show_events = session.flags.on("show-events");
  input.now = SystemClock().wall();
  const std::string_view kind = found.kind->kind;
  const std::string space = api::namespace_of(found.object);
  const std::string name = api::name_of(found.object);
  if (input.show_events) input.events = events_of(session, found);
  if (kind == "Node") {
    input.pods = list_or_empty(session, "Pod", {"", "", "spec.nodeName=" + name});
    auto lease = session.client->get(api::kind_of("Lease"), "kube-node-lease", name);
    if (lease) input.lease = *std::move(lease);
  } else if (kind == "Service") {
    auto endpoints = session.client->get(api::kind_of("Endpoints"), space, name);
    if (endpoints) input.endpoints = *std::move(endpoints);
  } else if (kind == "ReplicaSet" || kind == "DaemonSet") {
    input.pods = list_or_empty(session, "Pod", {space, selector_of(found.object), ""});
    std::erase_if(input.pods, [&](const Json& pod) { return !is_owned(pod, found.object); });
  } else if (kind == "Deployment") {
    input.replica_sets =
        list_or_empty(session, "ReplicaSet", {space, selector_of(found.object), ""});
    std::erase_if(input.replica_sets,
                  [&](const Json& set) { return !is_owned(set, found.object); });
  }
  if (kind == "ServiceAccount") input.secrets = list_or_empty(session, "Secret", {space, "", ""});
  input.object = std::move(found.object);
  return input;
}

/// `describe pod we` means every pod whose name starts so, when none is named just that.
struct Matches {
  std::vector<Found> found;
  bool by_prefix = false;
};
Result<Matches> find_or_prefix(Session& session, const Target& target) {
  auto exact = session.client->get(*target.kind, namespace_for(session, *target.kind), target.name);
  if (exact) return Matches{{{target.kind, *std::move(exact)}}};
  if (exact.error().code() != ErrorCode::not_found) return std::move(exact).error();
  HOP_TRY(ObjectList list,
          session.client->list(*target.kind, {namespace_for(session, *target.kind), "", ""}));
  Matches matches;
  matches.by_prefix = true;
  for (Json& item : list.items) {
    if (api::name_of(item).starts_with(target.name)) {
      matches.found.push_back({target.kind, std::move(item)});
    }
  }
  if (matches.found.empty()) return std::move(exact).error();
  return matches;
}

/// The objects of the targets. `errors` gets what cannot be read.
std::vector<Matches> find_all(Session& session, const std::vector<Target>& targets,
                              std::vector<Error>& errors) {
  std::vector<Matches> out;
  // Only `TYPE NAME` looks for beginnings of names.
  const bool prefix = session.flags.args().size() == 2 && targets.size() == 1;
  for (const Target& target : targets) {
    if (!prefix || target.name.empty()) {
      out.push_back({read_targets(session, {target}, errors)});
    } else if (auto one = find_or_prefix(session, target)) {
      out.push_back(*std::move(one));
    } else {
      errors.push_back(std::move(one).error());
    }
  }
  return out;
}

Result<int> run_describe(Session& session) {
  if (session.flags.args().empty() && !session.flags.given("filename")) {
    return local_error(
        "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a "
        "complete list of supported resources.");
  }
  HOP_TRY(auto targets, choose_targets(session, session.flags.args(), true));
  std::vector<Error> errors;
  bool first = true;
  auto all = find_all(session, targets, errors);
  // kubectl takes two arguments for TYPE and the beginning of a NAME, even `pod/a svc/b`.
  if (session.flags.args().size() == 2 && errors.size() == 1 &&
      errors[0].code() == ErrorCode::not_found) {
    return errors[0];
  }
  for (Matches& matches : all) {
    for (Found& one : matches.found) {
      std::cout << (first || matches.by_prefix ? "" : "\n\n")
                << describe_object(read_input(session, std::move(one)))
                << (matches.by_prefix ? "\n" : "");
      first = false;
    }
  }
  if (first && errors.empty()) {
    std::cerr << "No resources found";
    if (!session.flags.on("all-namespaces")) {
      std::cerr << " in " << session.namespace_name << " namespace.";
    }
    std::cerr << "\n";
  }
  return print_errors(session, errors);
}

}  // namespace

extern const Verb describe_verb;
const Verb describe_verb{"describe",
                         "describe (TYPE [NAME | NAME_PREFIX | -l label] | TYPE/NAME | -f FILE)",
                         "Show one or many objects with what belongs to them",
                         "  kubectl describe pod web\n"
                         "  kubectl describe nodes\n"
                         "  kubectl describe svc/web -n shop\n",
                         describe_flags,
                         run_describe};

}  // namespace hoplab::cmd::kubectl
