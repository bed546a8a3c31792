#pragma once

#include <chrono>
#include <span>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "store/api/kind.h"

/// Objects as the rows that `kubectl get` prints: columns and cells of Kubernetes 1.22's server
/// (facts/kubectl.md 5). Pure; any thread.
namespace hoplab::api {

/// [{name, type, format, description, priority}]; priority 1 is for `-o wide`.
Json table_columns(const Kind& kind);
/// One cell per column: texts and whole numbers. Missing or odd fields give "<none>" and the like.
Json table_cells(const Kind& kind, const Json& object, WallTime now);

/// What a row carries beside its cells (the query's includeObject).
enum class IncludeObject { none, metadata, object };
/// "None", "Metadata" (also for ""), "Object".
IncludeObject parse_include_object(std::string_view text);

struct TableOptions {
  IncludeObject include = IncludeObject::metadata;
  WallTime now;
};
/// {"cells": […], "object": …}
Json table_row(const Kind& kind, const Json& object, const TableOptions& options);
/// A whole meta.k8s.io/v1 Table; the caller adds metadata.resourceVersion.
Json to_table(const Kind& kind, std::span<const Json> objects, const TableOptions& options);

/// "5s", "3m5s", "42m", "3h5m", "7h", "2d3h", "9d", "2y5d".
std::string human_duration(std::chrono::nanoseconds duration);
/// The age of an RFC 3339 text; "<unknown>" when it is missing.
std::string human_age(const Json& time, WallTime now);

/// STATUS of a pod: its phase, or what its containers say: CrashLoopBackOff, Init:1/2, Terminating.
std::string pod_status_text(const Json& pod);
/// READY of a pod: "1/2".
std::string pod_ready_text(const Json& pod);
/// ROLES of a node from its labels: "control-plane,master", or "<none>".
std::string node_roles_text(const Json& node);
/// STATUS of a node: "Ready", "NotReady,SchedulingDisabled", "Unknown".
std::string node_status_text(const Json& node);
/// PORT(S) of a service: "80:30080/TCP,53/UDP", or "<none>".
std::string service_ports_text(const Json& service);
/// "app=web,tier in (a,b)" from {matchLabels, matchExpressions}; "<none>" for an empty one.
std::string selector_text(const Json& selector);
/// "a=b,c=d" from a map of labels, or "<none>".
std::string labels_text(const Json& labels);

}  // namespace hoplab::api
