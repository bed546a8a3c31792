#include "runtime/reconcile/deployment_plan.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"
#include "runtime/reconcile/deployment_rollout.h"
#include "runtime/reconcile/deployment_status.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

constexpr std::string_view revision_key = "deployment.kubernetes.io/revision";
constexpr std::string_view desired_key = "deployment.kubernetes.io/desired-replicas";
constexpr std::string_view max_key = "deployment.kubernetes.io/max-replicas";

const Json& annotations_of(const Json& object) {
  return member(member(object, "metadata"), "annotations");
}

int64_t number_of(const std::string& text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int64_t revision_number(const Json& set) {
  return number_of(string_or(annotations_of(set), revision_key));
}

Json without_hash(const Json& pod_template) {
  Json plain = pod_template;
  if (member(member(plain, "metadata"), "labels").is_object()) {
    plain["metadata"]["labels"].erase("pod-template-hash");
  }
  return plain;
}

/// What a ReplicaSet inherits from its Deployment's annotations, and what the rollout notes on it.
Json set_annotations(const Json& deployment, int64_t revision, const RolloutLimits& limits) {
  Json wanted = Json::object();
  const Json& own = annotations_of(deployment);
  if (own.is_object()) {
    for (const auto& [key, value] : own.items()) {
      if (key == "kubectl.kubernetes.io/last-applied-configuration" ||
          key.starts_with("deployment.kubernetes.io/")) {
        continue;
      }
      wanted[key] = value;
    }
  }
  wanted[std::string(revision_key)] = std::to_string(revision);
  wanted[std::string(desired_key)] = std::to_string(limits.replicas);
  wanted[std::string(max_key)] = std::to_string(limits.replicas + limits.max_surge);
  return wanted;
}

Json new_replica_set(const Json& deployment, Json annotations, int64_t replicas) {
  const Json& spec = member(deployment, "spec");
  Json pod_template = without_hash(member(spec, "template"));
  Json hashed = pod_template;
  // A stranger has the name that the template alone would give.
  const int64_t collisions = int_or(member(deployment, "status"), "collisionCount");
  if (collisions > 0) hashed["collisions"] = collisions;
  const std::string hash = template_hash(hashed);
  pod_template["metadata"]["labels"]["pod-template-hash"] = hash;
  Json selector = member(spec, "selector");
  selector["matchLabels"]["pod-template-hash"] = hash;
  Json set = {{"apiVersion", "apps/v1"},
              {"kind", "ReplicaSet"},
              {"metadata",
               {{"name", api::name_of(deployment) + "-" + hash},
                {"namespace", api::namespace_of(deployment)},
                {"labels", pod_template["metadata"]["labels"]},
                {"annotations", std::move(annotations)},
                {"ownerReferences", Json::array({controller_reference(deployment)})}}},
              {"spec",
               {{"replicas", replicas},
                {"selector", std::move(selector)},
                {"template", std::move(pod_template)}}}};
  if (spec.contains("minReadySeconds")) {
    set["spec"]["minReadySeconds"] = spec["minReadySeconds"];
  }
  return set;
}

RolloutSet rollout_set(const Json& set) {
  const Json& status = member(set, "status");
  return {.name = api::name_of(set),
          .replicas = int_or(member(set, "spec"), "replicas", 1),
          .available = int_or(status, "availableReplicas"),
          .observed = int_or(status, "replicas")};
}

/// The Deployment's ReplicaSets, told apart.
struct Sets {
  SharedJson current;
  std::vector<SharedJson> old;  ///< Oldest first.
  int64_t newest_old_revision = 0;
};

Sets tell_apart(const Json& deployment, std::vector<SharedJson> sets) {
  const auto age = [](const SharedJson& set) {
    return std::pair(string_or(member(*set, "metadata"), "creationTimestamp"), api::name_of(*set));
  };
  std::sort(sets.begin(), sets.end(),
            [&](const SharedJson& a, const SharedJson& b) { return age(a) < age(b); });
  const Json wanted = without_hash(member(member(deployment, "spec"), "template"));
  Sets apart;
  for (SharedJson& set : sets) {
    // Of twins the oldest is the one, as in Kubernetes.
    if (apart.current == nullptr &&
        without_hash(member(member(*set, "spec"), "template")) == wanted) {
      apart.current = std::move(set);
      continue;
    }
    apart.newest_old_revision = std::max(apart.newest_old_revision, revision_number(*set));
    apart.old.push_back(std::move(set));
  }
  return apart;
}

std::vector<ScaleStep> recreate_steps(const RolloutLimits& limits, const RolloutSet* current,
                                      const std::vector<RolloutSet>& old, bool pods_of_old) {
  std::vector<ScaleStep> steps;
  for (const RolloutSet& set : old) {
    if (set.replicas > 0) {
      steps.push_back({.replica_set = set.name, .from = set.replicas, .to = 0});
    }
  }
  if (steps.empty() && !pods_of_old && current != nullptr && current->replicas != limits.replicas) {
    steps.push_back(
        {.replica_set = current->name, .from = current->replicas, .to = limits.replicas});
  }
  return steps;
}

std::vector<std::string> past_history(const Json& deployment, const std::vector<SharedJson>& old) {
  const int64_t keep = int_or(member(deployment, "spec"), "revisionHistoryLimit", 10);
  std::vector<std::pair<int64_t, std::string>> idle;
  for (const SharedJson& set : old) {
    const RolloutSet view = rollout_set(*set);
    if (view.replicas == 0 && view.observed == 0 && !is_deleting(*set)) {
      idle.emplace_back(revision_number(*set), view.name);
    }
  }
  std::sort(idle.begin(), idle.end());
  std::vector<std::string> names;
  const auto surplus = static_cast<int64_t>(old.size()) - keep;
  for (int64_t i = 0; i < surplus && i < static_cast<int64_t>(idle.size()); ++i) {
    names.push_back(idle[static_cast<size_t>(i)].second);
  }
  return names;
}

/// Paused, or nothing to roll out: only the wish for the number of pods counts.
std::vector<ScaleStep> paused_steps(const RolloutLimits& limits, const RolloutSet* current,
                                    const std::vector<RolloutSet>& old) {
  const RolloutSet* active = current != nullptr && current->replicas > 0 ? current : nullptr;
  for (const RolloutSet& set : old) {
    if (set.replicas == 0) continue;
    if (active != nullptr) return {};  // In the middle of a rollout everything stays.
    active = &set;
  }
  if (active == nullptr) active = current;
  if (active == nullptr || active->replicas == limits.replicas) return {};
  return {{.replica_set = active->name, .from = active->replicas, .to = limits.replicas}};
}

}  // namespace

DeploymentPlan plan_deployment(const Json& deployment, const std::vector<SharedJson>& sets,
                               bool pods_of_old, WallTime now) {
  DeploymentPlan plan;
  const Json& spec = member(deployment, "spec");
  const Sets apart = tell_apart(deployment, sets);
  const RolloutLimits limits = rollout_limits(deployment);
  const bool paused = bool_or(spec, "paused");
  const bool recreate = string_or(member(spec, "strategy"), "type") == "Recreate";
  std::vector<RolloutSet> old;
  for (const SharedJson& set : apart.old) old.push_back(rollout_set(*set));
  std::optional<RolloutSet> current;
  if (apart.current != nullptr) current = rollout_set(*apart.current);

  plan.status = deployment_status(deployment, apart.current.get(), sets, now, &plan.look_again);
  if (is_deleting(deployment)) return plan;
  if (paused) {
    plan.scale = paused_steps(limits, current ? &*current : nullptr, old);
    return plan;
  }
  // The present template has the newest revision, also after a rollback to an older ReplicaSet.
  int64_t revision = apart.newest_old_revision + 1;
  if (current) revision = std::max(revision, revision_number(*apart.current));
  plan.revision = std::to_string(revision);
  Json annotations = set_annotations(deployment, revision, limits);
  if (!current) {
    const bool wait = recreate && (pods_of_old || std::any_of(old.begin(), old.end(), [](auto& s) {
                                     return s.replicas > 0;
                                   }));
    if (!wait) {
      const int64_t start = recreate ? limits.replicas : first_replicas(limits, old);
      plan.create = new_replica_set(deployment, std::move(annotations), start);
      return plan;
    }
  } else {
    plan.current = current->name;
    plan.current_annotations = std::move(annotations);
  }
  if (recreate) {
    plan.scale = recreate_steps(limits, current ? &*current : nullptr, old, pods_of_old);
  } else if (current) {
    plan.scale = rolling_steps(limits, *current, old);
  }
  if (plan.scale.empty() && current && deployment_complete(deployment, plan.status)) {
    plan.remove = past_history(deployment, apart.old);
  }
  return plan;
}

}  // namespace hoplab::reconcile
