#include "cmd/kubectl_pods.h"

#include <algorithm>
#include <iostream>

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

std::string selector_of(const Json& object) {
  const Json& selector = at_path(object, "spec.selector");
  if (!selector.is_object() || selector.empty()) return {};
  if (selector.contains("matchLabels") || selector.contains("matchExpressions")) {
    return api::selector_text(selector);
  }
  return api::labels_text(selector);
}

std::vector<std::string> container_names(const Json& pod, const std::string& list) {
  std::vector<std::string> out;
  const Json& containers = member(member(pod, "spec"), list);
  for (size_t i = 0; containers.is_array() && i < containers.size(); ++i) {
    out.push_back(string_or(containers[i], "name"));
  }
  return out;
}

Result<std::vector<Json>> pods_of(Session& session, const Found& owner) {
  const std::string selector = selector_of(owner.object);
  if (selector.empty()) {
    return local_error(str("cannot attach to or get the logs from ",
                           object_name(*owner.kind, api::name_of(owner.object)),
                           ": it has no selector for pods"));
  }
  Selection selection{namespace_of(session, owner), selector, ""};
  HOP_TRY(ObjectList list, session.client->list(api::kind_of("Pod"), selection));
  std::stable_sort(list.items.begin(), list.items.end(), [](const Json& a, const Json& b) {
    return reconcile::pod_is_ready(a) && !reconcile::pod_is_ready(b);
  });
  return std::move(list.items);
}

Result<Json> find_pod(Session& session, const std::string& argument) {
  Target target{&api::kind_of("Pod"), argument};
  if (argument.find('/') != std::string::npos) {
    HOP_TRY(auto targets, parse_targets({argument}));
    target = targets[0];
  }
  HOP_TRY(Json object,
          session.client->get(*target.kind, namespace_for(session, *target.kind), target.name));
  if (target.kind->kind == "Pod") return object;
  HOP_TRY(auto pods, pods_of(session, {target.kind, object}));
  if (pods.empty()) {
    return local_error(str("no pods found for ", object_name(*target.kind, target.name)));
  }
  return std::move(pods[0]);
}

Result<std::string> choose_container(const Session& session, const Json& pod) {
  const auto names = container_names(pod, "containers");
  if (session.flags.given("container")) {
    const std::string wanted = session.flags.get("container");
    const auto init = container_names(pod, "initContainers");
    if (std::find(names.begin(), names.end(), wanted) == names.end() &&
        std::find(init.begin(), init.end(), wanted) == init.end()) {
      return Error(ErrorCode::bad_request,  // As a server says it, which need not be asked.
                   str("container ", wanted, " is not valid for pod ", api::name_of(pod)));
    }
    return wanted;
  }
  if (names.empty()) return std::string();
  const std::string marked =
      string_or(at_path(pod, "metadata.annotations"), "kubectl.kubernetes.io/default-container");
  if (std::find(names.begin(), names.end(), marked) != names.end()) return marked;
  if (names.size() > 1) {
    std::cerr << "Defaulted container \"" << names[0] << "\" out of: " << join(names, ", ") << "\n";
  }
  return names[0];
}

}  // namespace hoplab::cmd::kubectl
