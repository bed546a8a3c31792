#include "runtime/agent/agent.h"

#include <sys/socket.h>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "store/api/kind.h"

namespace hoplab::agent {

namespace {

constexpr Millis longest_sleep{60'000};
/// How often everything is looked at though nothing was heard; as kubelet's --sync-frequency.
constexpr Millis resync_interval{60'000};
constexpr Millis first_list{10'000};
constexpr Millis stop_check{200};

}  // namespace

Agent::Agent(AgentConfig config, Source& source, proc::ContainerClient& containers,
             AgentHooks hooks, Log log)
    : config_(std::move(config)),
      source_(source),
      containers_(containers),
      hooks_(std::move(hooks)),
      log_(std::move(log)),
      events_(source_, "kubelet", config_.node.facts.name, log_),
      ipam_(source_, clock_, config_.node.facts.name, log_.named("ipam")),
      attacher_(ipam_, config_.mtu, log_.named("network")),
      statuses_(source_, log_.named("status")),
      prober_(containers_, hooks_.http,
              [this](const ProbeVerdict& verdict) {
                {
                  std::lock_guard lock(inbox_mutex_);
                  verdicts_.push_back(verdict);
                }
                wake_.put("");
              }),
      lifecycle_(containers_, hooks_.http),
      volumes_(config_.volumes_folder, config_.node.facts, hooks_.tokens,
               HostPaths::of_this_node()),
      images_(config_.image_folder),
      worker_(worker_parts()),
      services_(source_, api::kind_of("Service"), {}, log_.named("services")),
      pods_(source_, api::kind_of("Pod"),
            {.namespace_name = "",
             .label_selector = "",
             .field_selector = "spec.nodeName=" + config_.node.facts.name},
            log_.named("pods")) {
  pods_.deliver_to(wake_);
}

Agent::~Agent() {
  stop();
  if (subscription_) ::shutdown(subscription_->fd(), SHUT_RDWR);  // Its thread waits there.
  pods_.stop();
  services_.stop();
}

WorkerParts Agent::worker_parts() {
  return {containers_,
          attacher_,
          statuses_,
          prober_,
          lifecycle_,
          volumes_,
          directory_,
          images_,
          clock_,
          config_.node.facts,
          config_.dns,
          [this](const std::string& where) {
            return [this, where](const std::string& kind, const std::string& name) {
              return look_up(kind, where, name);
            };
          },
          [this](const std::string& where) { return services_for(where); },
          [this](const PodRecord& pod, const std::string& container, const char* type,
                 const char* reason, const std::string& message) {
            if (pod.object.is_null()) return;
            events_.tell(
                {"v1", "Pod", pod.namespace_name, pod.name, pod.uid, field_path_of(pod, container)},
                type, reason, message);
          },
          log_.named("pods")};
}

Result<Json> Agent::look_up(const std::string& kind, const std::string& namespace_name,
                            const std::string& name) {
  auto object = source_.get(api::kind_of(kind), namespace_name, name);
  if (object || object.error().code() != ErrorCode::not_found) return object;
  // kubelet's words; the API server's name the resource in the plural.
  return Error(ErrorCode::not_found, to_lower(kind) + " \"" + name + "\" not found");
}

std::vector<Json> Agent::services_for(const std::string& namespace_name) const {
  std::vector<Json> out;
  for (const auto& service : services_.list(namespace_name)) out.push_back(*service);
  if (namespace_name != "default") {
    if (auto kubernetes = services_.get("default/kubernetes")) out.push_back(*kubernetes);
  }
  return out;
}

void Agent::watch_containers() {
  for (;;) {
    auto event = subscription_->next(longest_sleep);
    if (wake_.closed()) return;
    if (!event) {
      log_.error("node-init", event.error());
      node_init_gone_ = true;
      wake_.close();
      return;
    }
    if (!*event) continue;
    {
      std::lock_guard lock(inbox_mutex_);
      container_events_.push_back(std::move(**event));
    }
    wake_.put("");
  }
}

/// Containers' ends and probe verdicts that came in meanwhile.
void Agent::take_in() {
  std::deque<proc::ContainerEvent> events;
  std::deque<ProbeVerdict> verdicts;
  {
    std::lock_guard lock(inbox_mutex_);
    events.swap(container_events_);
    verdicts.swap(verdicts_);
  }
  for (const auto& event : events) worker_.observe_event(event);
  for (const auto& verdict : verdicts) worker_.observe_probe(verdict);
}

void Agent::observe_all() {
  for (const auto& pod : pods_.list()) worker_.observe_pod(api::key_of(*pod), pod.get());
}

void Agent::work() {
  SteadyTime resync_at = clock_.steady() + resync_interval;
  std::optional<SteadyTime> wake_at = SteadyTime{};
  while (!wake_.closed()) {
    SteadyTime next = std::min(wake_at.value_or(resync_at), resync_at);
    auto left = std::chrono::ceil<Millis>(next - clock_.steady());
    auto key = wake_.take(std::max(left, Millis(0)));
    for (; key; key = wake_.take(Millis(0))) {
      if (key->empty()) continue;
      auto pod = pods_.get(*key);
      worker_.observe_pod(*key, pod.get());
    }
    if (clock_.steady() >= resync_at) {
      observe_all();
      worker_.refresh_volumes();
      resync_at = clock_.steady() + resync_interval;
    }
    take_in();
    wake_at = worker_.sync();
  }
}

Result<void> Agent::run() {
  // Subscribe before listing: what happens in between is seen twice rather than never.
  HOP_TRY(auto subscription, containers_.subscribe());
  subscription_ = std::move(subscription);
  HOP_TRY(auto contents, containers_.list());
  worker_.adopt(contents);
  log_.info(str("adopted ", contents.sandboxes.size(), " sandboxes"));
  event_thread_ = start_thread(
      "containers", end_process, [this] { watch_containers(); }, log_);
  const std::string& node = config_.node.facts.name;
  auto tell = [this, node](const std::string& reason, const std::string& message) {
    // A kubelet knows its node by the name alone; `kubectl describe node` looks for that.
    events_.normal({"v1", "Node", "", node, node, ""}, reason, message);
  };
  tell("Starting", "Starting kubelet.");
  reporter_ = std::make_unique<NodeReporter>(source_, config_.node, tell, log_.named("node"));
  services_.start();
  pods_.start();
  // Pods' environment names the services there are.
  SteadyTime warn_at = clock_.steady() + first_list;
  while (!pods_.wait_synced(stop_check) || !services_.wait_synced(stop_check)) {
    if (wake_.closed()) return {};
    if (clock_.steady() < warn_at) continue;
    log_.warning("the API has not answered yet");
    warn_at = clock_.steady() + first_list;
  }
  observe_all();
  worker_.pods_synced();
  work();
  if (node_init_gone_) return Error(ErrorCode::unavailable, "node-init is gone");
  return {};
}

void Agent::stop() {
  wake_.close();
}

}  // namespace hoplab::agent
