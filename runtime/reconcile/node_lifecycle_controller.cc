#include "runtime/reconcile/node_lifecycle_controller.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* lease_namespace = "kube-node-lease";

const api::Kind& node_kind() {
  return api::kind_of("Node");
}
const api::Kind& pod_kind() {
  return api::kind_of("Pod");
}

}  // namespace

void NodeLifecycleController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Lease" && change.now != nullptr &&
      api::namespace_of(*change.now) == lease_namespace) {
    const std::string node = api::name_of(*change.now);
    auto heard = heard_.lock();
    const bool first = !heard->contains(node);
    (*heard)[node] = clock_.steady();
    // A renewal is no news by itself: the next look finds it. Only a first one starts the watch.
    if (first) keys.push_back(node);
  }
  if (change.kind == "Node") {
    const std::string node = api::name_of(change.any());
    const bool was_ready = change.before != nullptr && node_is_ready(*change.before);
    if (was_ready && change.now != nullptr && !node_is_ready(*change.now)) {
      lost_.lock()->insert(node);
    }
    keys.push_back(node);
  }
  if (change.kind == "Pod" && change.now != nullptr) {
    // A pod that appears on a node that is gone or tainted.
    const std::string node = node_name_of(*change.now);
    const bool came = change.before == nullptr || node_name_of(*change.before) != node;
    if (!node.empty() && came) keys.push_back(node);
  }
}

Millis NodeLifecycleController::silence_of(const std::string& node) {
  auto heard = heard_.lock();
  const SteadyTime now = clock_.steady();
  // A node without a Lease gets the full grace from the first look on.
  const SteadyTime last = heard->try_emplace(node, now).first->second;
  return std::chrono::duration_cast<Millis>(now - last);
}

Result<std::optional<Millis>> NodeLifecycleController::reconcile(const std::string& key) {
  const SharedJson node = registry_.find(node_kind(), "", key);
  if (node == nullptr) return look_at_orphans(key);
  gone_since_.lock()->erase(key);
  const Millis silence = silence_of(key);
  const bool silent = silence >= grace_;
  const NodeVerdict verdict = judge_node(*node, silent, clock_.wall());
  if (node_is_ready(*node) && !verdict.ready) lost_.lock()->insert(key);
  HOP_CHECK(write(verdict));
  // Also when the kubelet itself said so: its pods must not stay behind services.
  if (!verdict.ready && lost_.lock()->contains(key)) HOP_CHECK(mark_pods_not_ready(key));
  lost_.lock()->erase(key);
  HOP_TRY(std::optional<Millis> again, evict(verdict.node));
  const Millis next = silent ? grace_ : grace_ - silence;
  return std::optional(std::min(again.value_or(next), next));
}

Result<void> NodeLifecycleController::write(const NodeVerdict& verdict) {
  const std::string node = api::name_of(verdict.node);
  if (verdict.status_changed) {
    HOP_CHECK(registry_.update(node_kind(), "", node, verdict.node, Subresource::status));
    tell_(name(), verdict.node, "Normal", "NodeNotReady",
          str("Node ", node, " status is now: NodeNotReady"));
  }
  if (verdict.spec_changed) {
    Json wanted = verdict.node;
    if (verdict.status_changed) wanted["metadata"].erase("resourceVersion");
    HOP_CHECK(registry_.update(node_kind(), "", node, std::move(wanted)));
  }
  return {};
}

Result<void> NodeLifecycleController::mark_pods_not_ready(const std::string& node) {
  for (const SharedJson& shared : registry_.all(pod_kind())) {
    if (node_name_of(*shared) != node || !pod_is_ready(*shared)) continue;
    Json pod = *shared;
    for (Json& condition : pod["status"]["conditions"]) {
      if (string_or(condition, "type") != "Ready") continue;
      condition["status"] = "False";
      condition["lastTransitionTime"] = to_rfc3339(clock_.wall());
    }
    const std::string space = api::namespace_of(pod);
    const std::string pod_name = api::name_of(pod);
    tell_(name(), pod, "Warning", "NodeNotReady", "Node is not ready");
    auto written =
        registry_.update(pod_kind(), space, pod_name, std::move(pod), Subresource::status);
    if (!written && written.error().code() != ErrorCode::not_found) {
      return std::move(written).error();
    }
  }
  return {};
}

Result<std::optional<Millis>> NodeLifecycleController::evict(const Json& node) {
  std::optional<Millis> again;
  const Json& taints = at_path(node, "spec.taints");
  const bool evicting = taints.is_array() && std::any_of(taints.begin(), taints.end(), [](auto& t) {
                          return string_or(t, "effect") == "NoExecute";
                        });
  if (!evicting) return again;
  for (const Eviction& eviction : evictions(node, registry_.all(pod_kind()), clock_.wall())) {
    if (eviction.in) {
      again = std::min(again.value_or(*eviction.in), *eviction.in);
      continue;
    }
    auto gone = registry_.remove(pod_kind(), eviction.namespace_name, eviction.pod);
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    if (gone.ok()) {
      tell_("taint-eviction-controller", gone->object, "Normal", "TaintManagerEviction",
            str("Marking for deletion Pod ", eviction.namespace_name, "/", eviction.pod));
    }
  }
  return again;
}

Result<std::optional<Millis>> NodeLifecycleController::look_at_orphans(const std::string& node) {
  heard_.lock()->erase(node);
  const SteadyTime now = clock_.steady();
  const SteadyTime since = gone_since_.lock()->try_emplace(node, now).first->second;
  const auto left = std::chrono::duration_cast<Millis>(since + grace_ - now);
  if (left > Millis(0)) return std::optional(left);
  gone_since_.lock()->erase(node);
  HOP_CHECK(collect_orphans(node));
  return settled();
}

Result<void> NodeLifecycleController::collect_orphans(const std::string& node) {
  for (const SharedJson& pod : registry_.all(pod_kind())) {
    if (node_name_of(*pod) != node) continue;
    // Nobody is left who could end its containers.
    auto gone = registry_.remove(pod_kind(), api::namespace_of(*pod), api::name_of(*pod),
                                 {.grace_seconds = 0, .precondition_uid = api::uid_of(*pod)});
    if (!gone && gone.error().code() != ErrorCode::not_found &&
        gone.error().code() != ErrorCode::conflict) {
      return std::move(gone).error();
    }
  }
  return {};
}

}  // namespace hoplab::reconcile
