#include "runtime/agent/pod_record.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/kind.h"

namespace hoplab::agent {

ContainerRecord* PodRecord::find(const std::string& container_name) {
  for (auto& container : containers) {
    if (container.name == container_name) return &container;
  }
  return nullptr;
}

const Json& PodRecord::spec_of(const ContainerRecord& container) const {
  const Json& list =
      member(member(object, "spec"), container.init ? "initContainers" : "containers");
  static const Json none;
  for (const Json& item : list) {
    if (string_or(item, "name") == container.name) return item;
  }
  return none;
}

std::string field_path_of(const PodRecord& pod, const std::string& container) {
  if (container.empty()) return "";
  const Json& inits = at_path(pod.object, "spec.initContainers");
  const bool init = std::any_of(inits.begin(), inits.end(), [&](const Json& each) {
    return string_or(each, "name") == container;
  });
  return str(init ? "spec.initContainers{" : "spec.containers{", container, "}");
}

PodRecord make_record(const Json& pod) {
  PodRecord record;
  record.namespace_name = api::namespace_of(pod);
  record.name = api::name_of(pod);
  record.uid = api::uid_of(pod);
  record.object = pod;
  const Json& spec = member(pod, "spec");
  for (bool init : {true, false}) {
    for (const Json& item : member(spec, init ? "initContainers" : "containers")) {
      ContainerRecord container;
      container.name = string_or(item, "name");
      container.init = init;
      if (!member(spec, "initContainers").empty() && !init) {
        container.waiting_reason = "PodInitializing";
      }
      record.containers.push_back(std::move(container));
    }
  }
  return record;
}

}  // namespace hoplab::agent
