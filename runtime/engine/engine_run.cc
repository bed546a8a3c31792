// How the engine starts containers and what it does when they end; see engine.h.

#include <algorithm>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/engine/address_pool.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/engine/container_spec.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/names.h"

namespace hoplab::engine {

namespace {

constexpr Millis first_back_off{100};
constexpr Millis longest_back_off{60'000};
constexpr int64_t stable_after = 10'000'000'000;  ///< Nanoseconds: docker forgets earlier failures.
/// Beyond the grace: what node-init and the kernel need to end a killed process.
constexpr Millis kill_takes{20'000};

}  // namespace

Result<Container> Engine::start(std::string_view name) {
  std::lock_guard lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
  if (container->removing) {
    return Error(ErrorCode::conflict,
                 "container is marked for removal and cannot be started: " + container->id);
  }
  if (container->state == State::running) return *container;
  restart_at_.erase(container->id);
  back_off_.erase(container->id);
  container->restarts = 0;
  HOP_CHECK(start_now(*container));
  return *container;
}

Result<void> Engine::start_now(Container& container) {
  container.error.clear();
  container.notes.clear();
  container.exit_code = 0;
  container.stopped_by_user = false;
  container.sandbox_id = str(short_id(container.id), "-", clock_.wall().time_since_epoch().count());
  auto started = [&]() -> Result<void> {
    HOP_CHECK(assign_addresses(container));
    HOP_TRY(const Fd netns, make_sandbox(container));
    HOP_CHECK(plug_in(container, netns));
    HOP_CHECK(publish_ports(container));
    return run_program(container);
  }();
  if (!started) return start_failed(container, started.error());
  keep(container);
  changed_.notify_all();
  return {};
}

Result<void> Engine::start_failed(Container& container, const Error& error) {
  tear_down(container);
  container.state = State::created;
  container.pid = 0;
  if (container.exit_code == 0) container.exit_code = 128;
  container.error = error.message();
  keep(container);
  changed_.notify_all();
  return error;
}

Result<void> Engine::assign_address(Endpoint& endpoint, const Network& network) const {
  const std::vector<Ipv4> taken = taken_on(network);
  HOP_TRY(endpoint.ip, endpoint.wish ? check_address(network, *endpoint.wish, taken)
                                     : free_address(network, taken));
  endpoint.mac = mac_of(endpoint.ip);
  return {};
}

Result<void> Engine::assign_addresses(Container& container) {
  for (Endpoint& endpoint : container.endpoints) {
    HOP_TRY(const Network* network, look_up_network(endpoint.network));
    HOP_CHECK(assign_address(endpoint, *network));
  }
  return {};
}

/// What the cable to a network is called at both ends; the bridge it goes to is there afterwards.
Result<void> Engine::name_link(Container& container, Endpoint& endpoint, const Network& network) {
  HOP_CHECK(host_.ensure_bridge(network));
  endpoint.host_link = host_link_name(container.id, network.id);
  endpoint.interface = str("eth", container.interfaces++);
  return {};
}

Result<Fd> Engine::make_sandbox(Container& container) {
  if (is_joined(container.config)) {
    HOP_TRY(const Container* holder, look_up(joined_name(container.config)));
    if (holder->state != State::running) {
      return Error(ErrorCode::conflict,
                   str("cannot join network of a non running container: ", holder->id));
    }
    container.sandbox_id = holder->sandbox_id;
    return Fd();
  }
  HOP_TRY(proc::RunningSandbox sandbox, client_->run_sandbox(sandbox_spec_of(container)));
  return std::move(sandbox.netns);
}

Result<void> Engine::plug_in(Container& container, const Fd& netns) {
  std::vector<HostNetwork::Attachment> attachments;
  container.interfaces = 0;
  bool has_way_out = false;
  for (Endpoint& endpoint : container.endpoints) {
    HOP_TRY(const Network* network, look_up_network(endpoint.network));
    HOP_CHECK(name_link(container, endpoint, *network));
    attachments.push_back({network, &endpoint, !network->internal && !has_way_out});
    has_way_out = has_way_out || !network->internal;
  }
  return host_.attach(netns, attachments);
}

Result<void> Engine::publish_ports(Container& container) {
  container.ports = container.config.ports;
  if (container.ports.empty() || container.endpoints.empty()) {
    container.ports.clear();
    return {};
  }
  auto opened = proxies_.open(container.id, container.endpoints.front().ip, container.ports);
  if (!opened) {
    return std::move(opened).error().context(
        str("driver failed programming external connectivity on endpoint ", container.config.name,
            " (", container.id, ")"));
  }
  container.state = State::running;  // For sync_rules(): its ports are in force from here.
  return sync_rules();
}

Result<void> Engine::run_program(Container& container) {
  HOP_TRY(const proc::ContainerStatus status, client_->start_container(spec_of(container)));
  container.notes = status.notes;
  if (status.state == proc::ContainerState::exited && status.reason == "ContainerCannotRun") {
    container.exit_code = status.exit_code;
    return Error(ErrorCode::invalid,
                 str("failed to create task for container: failed to start container process: ",
                     status.message));
  }
  container.state = State::running;
  container.pid = status.pid;
  container.started_at = status.started_at;
  container.finished_at = 0;
  return {};
}

/// What a container has on the host. Fine when there is nothing.
void Engine::tear_down(Container& container) {
  const bool had_ports = !container.ports.empty();
  container.ports.clear();
  container.state = State::exited;
  proxies_.close(container.id);
  std::vector<std::string> links;
  for (Endpoint& endpoint : container.endpoints) {
    if (!endpoint.host_link.empty()) links.push_back(std::exchange(endpoint.host_link, ""));
    endpoint.ip = Ipv4();
    endpoint.mac = Mac{};
  }
  const auto note = [&](const char* what, const Result<void>& result) {
    if (!result) log_.error(str(what, " of ", container.config.name), result.error());
  };
  if (!links.empty()) note("removing the links", host_.detach(links));
  if (had_ports) note("removing the rules", sync_rules());
  if (sandbox_is_shared(container)) {
    note("forgetting the process", client_->remove_container(container.id));
  } else if (!container.sandbox_id.empty()) {
    note("removing the namespaces", client_->remove_sandbox(container.sandbox_id));
  }
}

bool Engine::sandbox_is_shared(const Container& container) const {
  return std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
    const Container& other = entry.second;
    return other.id != container.id && other.state == State::running &&
           other.sandbox_id == container.sandbox_id;
  });
}

Result<void> Engine::sync_rules() {
  std::vector<Forwarding> forwardings;
  for (const auto& [id, container] : containers_) {
    if (container.state != State::running || container.endpoints.empty()) continue;
    const Endpoint& endpoint = container.endpoints.front();
    auto network = look_up_network(endpoint.network);
    for (const PublishedPort& port : container.ports) {
      if (network) forwardings.push_back({(*network)->bridge, endpoint.ip, port});
    }
  }
  return host_.sync_rules(networks_, forwardings);
}

void Engine::on_event(const proc::ContainerEvent& event) {
  if (event.kind != proc::ContainerEventKind::exited) return;
  auto found = containers_.find(event.container_id);
  if (found == containers_.end() || found->second.state != State::running) return;
  // Of an earlier run: it was told twice, or the start that it belongs to has failed.
  if (event.status.started_at != found->second.started_at) return;
  ended(found->second, event.status);
}

void Engine::ended(Container& container, const proc::ContainerStatus& status) {
  tear_down(container);
  container.pid = 0;
  container.exit_code = status.exit_code;
  container.oom_killed = status.oom_killed;
  container.finished_at = status.finished_at;
  if (container.removing || (container.config.auto_remove && !restarting_.contains(container.id))) {
    forget(std::string(container.id));
    return;
  }
  keep(container);
  restart_later(container);
  changed_.notify_all();
}

void Engine::restart_later(Container& container) {
  const Restart& wish = container.config.restart;
  const bool wanted = wish.policy == RestartPolicy::always ||
                      wish.policy == RestartPolicy::unless_stopped ||
                      (wish.policy == RestartPolicy::on_failure && container.exit_code != 0 &&
                       (wish.most == 0 || container.restarts < wish.most));
  if (!wanted || container.stopped_by_user || container.removing) return;
  Millis& back_off = back_off_[container.id];
  const bool was_stable = container.finished_at - container.started_at > stable_after;
  back_off = was_stable || back_off.count() == 0 ? first_back_off
                                                 : std::min(back_off * 2, longest_back_off);
  restart_at_[container.id] = clock_.steady() + back_off;
}

Result<Container> Engine::stop(std::string_view name, Millis grace) {
  std::unique_lock lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
  return stop_locked(lock, std::string(container->id), grace);
}

Result<Container> Engine::restart(std::string_view name, Millis grace) {
  std::unique_lock lock(mutex_);
  HOP_TRY(const Container* container, look_up(name));
  const std::string id = container->id;
  restarting_.insert(id);  // Its end must not remove it.
  auto stopped = stop_locked(lock, id, grace);
  restarting_.erase(id);
  if (!stopped) return std::move(stopped).error();
  HOP_TRY(Container * again, look_up(id));
  if (again->state != State::running) HOP_CHECK(start_now(*again));
  return *again;
}

Result<Container> Engine::stop_locked(std::unique_lock<std::mutex>& lock, const std::string& id,
                                      Millis grace) {
  Container& container = containers_.at(id);
  restart_at_.erase(id);
  container.stopped_by_user = true;
  keep(container);
  if (container.state != State::running) return container;
  const Container before = container;
  HOP_CHECK(client_->stop_container(before.id, grace));
  const bool ended_in_time = changed_.wait_for(lock, grace + kill_takes, [&] {
    auto found = containers_.find(before.id);
    return found == containers_.end() || found->second.state != State::running;
  });
  if (!ended_in_time) {
    return Error(ErrorCode::timed_out,
                 str("tried to kill container, but did not receive an exit event: ", before.id));
  }
  auto found = containers_.find(before.id);
  return found == containers_.end() ? before : found->second;
}

Result<Container> Engine::kill(std::string_view name, int signal) {
  std::lock_guard lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
  if (container->state != State::running) {
    return Error(ErrorCode::conflict, str("Cannot kill container: ", name, ": Container ",
                                          container->id, " is not running"));
  }
  if (signal == SIGKILL || signal == SIGTERM) container->stopped_by_user = true;
  HOP_CHECK(client_->kill_container(container->id, signal));
  return *container;
}

Result<Container> Engine::wait(std::string_view name, bool removed,
                               const std::function<bool()>& nobody_waits) {
  std::unique_lock lock(mutex_);
  HOP_TRY(const Container* container, look_up(name));
  Container last = *container;
  ++waiters_[last.id];
  const auto over = [&] {
    auto found = containers_.find(last.id);
    if (found == containers_.end()) return true;
    last = found->second;
    return !removed && last.state != State::running;
  };
  bool given_up = false;
  while (!given_up && !changed_.wait_for(lock, std::chrono::seconds(1), over)) {
    given_up = nobody_waits && nobody_waits();
  }
  if (auto gone = last_seen_.find(last.id); gone != last_seen_.end()) last = gone->second;
  if (--waiters_[last.id] == 0) {
    waiters_.erase(last.id);
    last_seen_.erase(last.id);
  }
  if (given_up) return Error(ErrorCode::unavailable, "the client has gone");
  return last;
}

}  // namespace hoplab::engine
