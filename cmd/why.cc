// `hoplab why`: what is in the kernels because of an object, and whether it is really there.

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/why_cluster.h"
#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/manifest.h"

namespace hoplab::cmd {

namespace {

Options declare() {
  Options options("why", "pod|service|node NAME [-n NAMESPACE] [-o json|yaml]",
                  "Shows what is in the kernels because of a pod, a service or a node: the command "
                  "that would make each thing, the reason, and whether it is there now. The "
                  "operations are the ones that were applied. Changes nothing.");
  options.value("namespace", 'n', "NAMESPACE", "of the pod or service", "default")
      .value("output", 'o', "FORMAT", "json or yaml")
      .positionals("KIND NAME", 1, 2)
      .example("hoplab why pod web", "the pod's cable, its address, the routes that lead to it")
      .example("hoplab why service kubernetes", "its iptables rules on every node")
      .example("hoplab why node k8s-w1", "cables, addresses, tunnel, block routes")
      .example("hoplab why pod/web -n shop -o json", "for programs");
  return options;
}

/// "pod NAME" or "pod/NAME"; every name of a kind that kubectl takes. Unknown kinds are an error.
Result<WhyRequest> read_request(const Options& options) {
  std::vector<std::string> words = options.rest();
  if (const size_t slash = words[0].find('/'); words.size() == 1 && slash != std::string::npos) {
    words = {words[0].substr(0, slash), words[0].substr(slash + 1)};
  }
  if (words.size() != 2 || words[1].empty()) {
    return Error(ErrorCode::bad_request, "wants a kind and a name, as in: hoplab why pod web");
  }
  WhyRequest request{to_lower(words[0]), words[1], options.get("namespace")};
  if (const api::Kind* kind = api::find_by_any_name(words[0])) request.kind = kind->singular;
  if (request.kind == "host") request.kind = "node";
  if (request.kind != "pod" && request.kind != "service" && request.kind != "node") {
    return Error(ErrorCode::bad_request,
                 str("explains pod, service and node, not \"", words[0], "\""));
  }
  if (request.kind == "node") request.namespace_name.clear();
  return request;
}

/// The names a person could have meant: of this kind in this namespace, with the others' namespace.
std::vector<std::string> known_names(const WhyRequest& request, const RunningCluster& cluster,
                                     const WhyObjects& objects) {
  std::vector<std::string> out;
  if (request.kind == "node") {
    for (const auto& host : cluster.config.hosts) out.push_back(host.name);
    return out;
  }
  for (const Json& object : request.kind == "pod" ? objects.pods : objects.services) {
    out.push_back(api::namespace_of(object) == request.namespace_name
                      ? api::name_of(object)
                      : str(api::name_of(object), " -n ", api::namespace_of(object)));
  }
  return out;
}

bool exists(const WhyRequest& request, const RunningCluster& cluster, const WhyObjects& objects) {
  if (request.kind == "node") return cluster.config.find_host(request.name) != nullptr;
  const auto& all = request.kind == "pod" ? objects.pods : objects.services;
  return WhyObjects::find(all, request.namespace_name, request.name) != nullptr;
}

Error not_found(const WhyRequest& request, const std::vector<std::string>& names) {
  constexpr size_t most = 20;
  std::vector<std::string> some(names.begin(),
                                names.begin() + static_cast<long>(std::min(most, names.size())));
  if (names.size() > most) some.push_back(str("and ", names.size() - most, " more"));
  return Error(ErrorCode::not_found,
               str("there is no ", request.kind, " ", request.name,
                   request.namespace_name.empty() ? "" : " in namespace ", request.namespace_name,
                   "\n  there are: ", some.empty() ? "none" : join(some, ", ")));
}

Result<WhyReport> explain(const WhyRequest& request, const RunningCluster& cluster) {
  WhyObjects objects;
  if (cluster.config.control_plane() != nullptr) {
    HOP_TRY(objects, load_why_objects(cluster.kubeconfig()));
  }
  if (!exists(request, cluster, objects)) {
    return not_found(request, known_names(request, cluster, objects));
  }
  HOP_TRY(WhyKernels kernels, WhyKernels::open(cluster));
  if (request.kind == "pod") return why_pod(request, objects, kernels);
  if (request.kind == "service") return why_service(request, cluster, objects, kernels);
  return why_node(request, cluster, objects, kernels);
}

int run_why(const Invocation& invocation) {
  Options options = declare();
  if (auto exit = options.parse(invocation.args)) return *exit;
  const std::string format = options.get("output");
  if (!format.empty() && format != "json" && format != "yaml") {
    return options.usage_error("-o takes json or yaml, not \"" + format + "\"");
  }
  auto request = read_request(options);
  if (!request) return options.usage_error(request.error().message());
  auto cluster = find_running_cluster(invocation);
  if (!cluster) return fail(cluster.error());
  auto report = explain(*request, *cluster);
  if (!report) return fail(report.error());
  if (format == "json") {
    std::cout << dump_json_pretty(to_json(*report)) << "\n";
  } else if (format == "yaml") {
    std::cout << api::to_yaml(to_json(*report));
  } else {
    std::cout << render_why(*report, ::isatty(STDOUT_FILENO) == 1);
  }
  return exit_ok;
}

}  // namespace

extern const Command why_command;
const Command why_command{"why", "show what is in the kernels because of an object", run_why};

}  // namespace hoplab::cmd
