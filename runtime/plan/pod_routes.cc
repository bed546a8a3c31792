#include "runtime/plan/pod_routes.h"

#include <algorithm>
#include <set>

#include "runtime/base/text.h"
#include "runtime/plan/pod_network.h"

namespace hoplab::plan {

std::vector<LocalPod> local_pods(const AddressBlock& block, const std::string& node) {
  std::vector<LocalPod> out;
  for (const Assignment& one : allocations_of(block)) {
    const auto& notes = attribute_of(block, one.ip)->notes;
    const auto home = notes.find("node");
    const auto pod = notes.find("pod");
    const auto space = notes.find("namespace");
    if (home == notes.end() || home->second != node) continue;
    if (pod == notes.end() || space == notes.end()) continue;
    out.push_back(
        {str(space->second, "/", pod->second), host_link_name(space->second, pod->second), one.ip});
  }
  return out;
}

std::vector<Operation> missing_pod_routes(const std::vector<LocalPod>& pods,
                                          const std::vector<Link>& links,
                                          const std::vector<Route>& routes) {
  std::set<std::string> present;
  for (const Link& link : links) present.insert(link.name);
  std::set<Prefix> routed;
  for (const Route& route : routes) routed.insert(route.destination);
  std::vector<Operation> out;
  for (const LocalPod& pod : pods) {
    const Prefix address = Prefix::host(pod.ip);
    if (!present.contains(pod.link) || routed.contains(address)) continue;
    Route route;
    route.destination = address;
    route.link = pod.link;
    route.scope = RouteScope::link;
    out.push_back({"", RouteReplace{route},
                   str("pod ", pod.name, " with its one address is reached through its own link")});
  }
  return out;
}

}  // namespace hoplab::plan
