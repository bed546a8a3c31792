#pragma once

#include "runtime/proc/container_types.h"

/// The JSON fields of the parts of a container's spec that others carry too (runtime/engine); for
/// runtime/base/json_fields.h.
namespace hoplab::proc {

template <typename Visitor>
void fields(Visitor& visit, Mount& value) {
  visit("source", value.source);
  visit("target", value.target);
  visit("readOnly", value.read_only);
  visit("noLinks", value.no_links);
}

template <typename Visitor>
void fields(Visitor& visit, EnvVar& value) {
  visit("name", value.name);
  visit("value", value.value);
}

template <typename Visitor>
void fields(Visitor& visit, SecuritySpec& value) {
  visit("privileged", value.privileged);
  visit("readOnlyRoot", value.read_only_root);
  visit("noNewPrivileges", value.no_new_privileges);
  visit("addCapabilities", value.add_capabilities);
  visit("dropCapabilities", value.drop_capabilities);
  visit("runAsUser", value.run_as_user);
  visit("runAsGroup", value.run_as_group);
  visit("supplementalGroups", value.supplemental_groups);
}

template <typename Visitor>
void fields(Visitor& visit, ResourceSpec& value) {
  visit("memoryLimitBytes", value.memory_limit_bytes);
  visit("cpuLimitMillis", value.cpu_limit_millis);
  visit("pidsLimit", value.pids_limit);
}

}  // namespace hoplab::proc
