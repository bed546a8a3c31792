#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_output.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char revision_key[] = "deployment.kubernetes.io/revision";

void describe_conditions(const Json& object, DescribeText& out) {
  const Json& conditions = at_path(object, "status.conditions");
  if (!conditions.is_array() || conditions.empty()) return;
  out.line(0, "Conditions:");
  out.line(1, "Type\tStatus\tReason");
  out.line(1, "----\t------\t------");
  for (const Json& one : conditions) {
    out.line(1, string_or(one, "type"), " \t", string_or(one, "status"), "\t",
             string_or(one, "reason"));
  }
}

std::string set_text(const Json& set) {
  return str(api::name_of(set), " (", int_or(member(set, "status"), "replicas"), "/",
             int_or(member(set, "spec"), "replicas"), " replicas created)");
}

void describe_replica_sets(const DescribeInput& input, DescribeText& out) {
  const std::string revision =
      string_or(at_path(input.object, "metadata.annotations"), revision_key);
  std::vector<std::string> old;
  std::string present = "<none>";
  for (const Json& set : input.replica_sets) {
    if (string_or(at_path(set, "metadata.annotations"), revision_key) == revision) {
      present = set_text(set);
    } else if (int_or(member(set, "spec"), "replicas") > 0) {
      old.push_back(set_text(set));
    }
  }
  out.line(0, "OldReplicaSets:\t", old.empty() ? "<none>" : join(old, ", "));
  out.line(0, "NewReplicaSet:\t", present);
}

}  // namespace

void describe_template(const Json& pod_template, DescribeText& out) {
  const Json& metadata = member(pod_template, "metadata");
  const Json& spec = member(pod_template, "spec");
  out.line(0, "Pod Template:");
  out.map("  Labels", member(metadata, "labels"));
  if (const Json& annotations = member(metadata, "annotations");
      annotations.is_object() && !annotations.empty()) {
    describe_annotations("  Annotations", annotations, out);
  }
  if (auto account = string_or(spec, "serviceAccountName"); !account.empty()) {
    out.line(0, "  Service Account:\t", account);
  }
  describe_containers("Init Containers", pod_template, "initContainers", {}, "  ", out);
  describe_containers("Containers", pod_template, "containers", {}, "  ", out);
  describe_volumes(member(spec, "volumes"), "  ", out);
  if (auto name = string_or(spec, "priorityClassName"); !name.empty()) {
    out.line(0, "  Priority Class Name:\t", name);
  }
}

void describe_deployment(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  const Json& status = member(input.object, "status");
  describe_name(input, out);
  out.line(0, "CreationTimestamp:\t",
           long_time(at_path(input.object, "metadata.creationTimestamp")));
  describe_labels(input, out);
  out.line(0, "Selector:\t", api::selector_text(member(spec, "selector")));
  out.line(0, "Replicas:\t", int_or(spec, "replicas", 1), " desired | ",
           int_or(status, "updatedReplicas"), " updated | ", int_or(status, "replicas"),
           " total | ", int_or(status, "availableReplicas"), " available | ",
           int_or(status, "unavailableReplicas"), " unavailable");
  const Json& strategy = member(spec, "strategy");
  out.line(0, "StrategyType:\t", string_or(strategy, "type"));
  out.line(0, "MinReadySeconds:\t", int_or(spec, "minReadySeconds"));
  if (const Json& rolling = member(strategy, "rollingUpdate"); rolling.is_object()) {
    out.line(0, "RollingUpdateStrategy:\t", go_text(member(rolling, "maxUnavailable")),
             " max unavailable, ", go_text(member(rolling, "maxSurge")), " max surge");
  }
  describe_template(member(spec, "template"), out);
  describe_conditions(input.object, out);
  describe_replica_sets(input, out);
  describe_events(input, out);
}

void describe_replica_set(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  describe_name(input, out);
  out.line(0, "Selector:\t", api::selector_text(member(spec, "selector")));
  describe_labels(input, out);
  if (auto owner = controller_of(input.object); !owner.empty()) {
    out.line(0, "Controlled By:\t", owner);
  }
  out.line(0, "Replicas:\t", int_or(member(input.object, "status"), "replicas"), " current / ",
           int_or(spec, "replicas", 1), " desired");
  out.line(0, "Pods Status:\t", pod_counts(input.pods));
  describe_template(member(spec, "template"), out);
  describe_conditions(input.object, out);
  describe_events(input, out);
}

void describe_daemon_set(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  const Json& status = member(input.object, "status");
  out.line(0, "Name:\t", api::name_of(input.object));
  out.line(0, "Selector:\t", api::selector_text(member(spec, "selector")));
  out.line(0, "Node-Selector:\t", api::labels_text(at_path(spec, "template.spec.nodeSelector")));
  describe_labels(input, out);
  const std::pair<const char*, const char*> counts[] = {
      {"Desired Number of Nodes Scheduled", "desiredNumberScheduled"},
      {"Current Number of Nodes Scheduled", "currentNumberScheduled"},
      {"Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"},
      {"Number of Nodes Scheduled with Available Pods", "numberAvailable"},
      {"Number of Nodes Misscheduled", "numberMisscheduled"}};
  for (const auto& [shown, key] : counts) out.line(0, shown, ": ", int_or(status, key));
  out.line(0, "Pods Status:\t", pod_counts(input.pods));
  describe_template(member(spec, "template"), out);
  describe_events(input, out);
}

}  // namespace hoplab::cmd::kubectl
