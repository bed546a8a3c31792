#include "cmd/up_ready.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "store/api/kind.h"

namespace hoplab::cmd {

namespace {

constexpr Millis pause_without_server{10};
constexpr Millis event_wait{100};
constexpr const char* system_namespace = "kube-system";

/// The object's condition `Ready`, or null.
const Json& ready_condition(const Json& object) {
  for (const auto& condition : at_path(object, "status.conditions")) {
    if (string_or(condition, "type") == "Ready") return condition;
  }
  return member(object, "");
}

bool is_ready(const Json& object) {
  return string_or(ready_condition(object), "status") == "True";
}

std::string why_not(const Json& object) {
  const Json& condition = ready_condition(object);
  std::string message = string_or(condition, "message");
  if (message.empty()) message = string_or(condition, "reason", "no status yet");
  return message;
}

/// A waiting container says more than the pod's condition ("ImagePullBackOff").
std::string why_pod_not(const Json& pod) {
  for (const auto& status : at_path(pod, "status.containerStatuses")) {
    const Json& waiting = at_path(status, "state.waiting");
    if (waiting.is_object()) {
      return str(string_or(waiting, "reason"), " ", string_or(waiting, "message"));
    }
  }
  return why_not(pod);
}

}  // namespace

Readiness judge_readiness(const plan::ClusterConfig& config, const std::vector<Json>& nodes,
                          const std::vector<Json>& system_pods,
                          const std::vector<Json>& system_daemon_sets) {
  Readiness out;
  int64_t wanted = 0;
  int64_t nodes_ready = 0;
  for (const auto& host : config.hosts) {
    if (!host.is_node()) continue;
    ++wanted;
    auto node = std::find_if(nodes.begin(), nodes.end(),
                             [&](const Json& each) { return api::name_of(each) == host.name; });
    if (node != nodes.end() && is_ready(*node)) {
      ++nodes_ready;
    } else {
      out.missing += str("\n  node ", host.name, ": ",
                         node == nodes.end() ? "has not registered" : why_not(*node));
    }
  }
  int64_t pods_ready = 0;
  for (const auto& pod : system_pods) {
    if (is_ready(pod)) {
      ++pods_ready;
    } else {
      out.missing += str("\n  pod ", api::name_of(pod), ": ", why_pod_not(pod));
    }
  }
  auto pods_wanted = static_cast<int64_t>(system_pods.size());
  for (const auto& set : system_daemon_sets) {
    int64_t there = int_or(member(set, "status"), "numberReady");
    if (there < wanted) {
      out.missing += str("\n  daemonset ", api::name_of(set), ": ", there, " of ", wanted, " pods");
    }
  }
  pods_wanted = std::max(pods_wanted, wanted * static_cast<int64_t>(system_daemon_sets.size()));
  out.summary = str("nodes ", nodes_ready, "/", wanted, " Ready, system pods ", pods_ready, "/",
                    pods_wanted, " Ready");
  out.nodes_ready = nodes_ready == wanted;
  out.ready = out.missing.empty();
  return out;
}

ReadyWatcher::ReadyWatcher(plan::ClusterConfig config, web::ClientConfig client)
    : config_(std::move(config)), client_(std::move(client)) {
  latest_.summary = "the API server does not answer yet";
}

ReadyWatcher::~ReadyWatcher() {
  stop();
  if (thread_.joinable()) thread_.join();
}

Result<void> ReadyWatcher::start() {
  HOP_TRY(done_, make_pipe());
  thread_ = start_thread("ready-watcher", end_process, [this] { run(); });
  return {};
}

Readiness ReadyWatcher::latest() const {
  std::lock_guard lock(mutex_);
  return latest_;
}

Result<Readiness> ReadyWatcher::look(web::Client& client) {
  HOP_TRY(auto nodes, client.list(api::kind_of("Node"), {}));
  HOP_TRY(auto pods, client.list(api::kind_of("Pod"), {system_namespace, "", ""}));
  HOP_TRY(auto sets, client.list(api::kind_of("DaemonSet"), {system_namespace, "", ""}));
  revision_ = pods.revision;
  return judge_readiness(config_, nodes.items, pods.items, sets.items);
}

void ReadyWatcher::run() {
  std::unique_ptr<web::Client> client;
  while (!stop_) {
    if (!client) {
      auto opened = web::Client::open(client_);
      if (opened) client = *std::move(opened);
    }
    auto seen = client ? look(*client) : Result<Readiness>(Error(ErrorCode::unavailable, ""));
    if (!seen) {
      if (!seen.error().message().empty()) {
        std::lock_guard lock(mutex_);
        latest_.missing = "\n  " + seen.error().message();
      }
      std::this_thread::sleep_for(pause_without_server);
      continue;
    }
    {
      std::lock_guard lock(mutex_);
      latest_ = *seen;
    }
    if (seen->ready) {
      [[maybe_unused]] auto told = write_all(done_.write_end.get(), "r");
      return;
    }
    // Until something changes that we wait for. The time is short because the last thing to
    // change may be of another kind.
    auto watch = seen->nodes_ready
                     ? client->watch(api::kind_of("Pod"), {system_namespace, "", ""}, revision_)
                     : client->watch(api::kind_of("Node"), {}, revision_);
    if (watch) [[maybe_unused]]
      auto event = (*watch)->next(event_wait);
  }
}

}  // namespace hoplab::cmd
