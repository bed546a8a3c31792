// How the engine starts containers and what it does when they end; see engine.h.

#include <algorithm>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/engine/address_pool.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/names.h"

namespace hoplab::engine {

namespace {

constexpr Millis first_back_off{100};
constexpr Millis longest_back_off{60'000};
constexpr int64_t stable_after = 10'000'000'000;  ///< Nanoseconds: docker forgets earlier failures.
/// Beyond the grace: what node-init and the kernel need to end a killed process.
constexpr Millis kill_takes{20'000};

/// Whose containers node-init should not show as pods.
constexpr const char* engine_label = "hoplab.io/container-engine";

std::string hosts_text(const Container& container, const std::string& hostname) {
  std::string text =
      "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
      "ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
  for (const std::string& extra : container.config.extra_hosts) {
    const size_t colon = extra.find(':');
    text += extra.substr(colon + 1) + "\t" + extra.substr(0, colon) + "\n";
  }
  for (const Endpoint& endpoint : container.endpoints) {
    text += to_string(endpoint.ip) + "\t" + hostname + "\n";
  }
  return text;
}

std::string hostname_of(const Container& container) {
  return container.config.hostname.empty() ? short_id(container.id) : container.config.hostname;
}

std::string resolv_text(const Container& container) {
  std::string text;
  for (const std::string& server : container.config.dns) text += "nameserver " + server + "\n";
  return text;  // Empty: the host's own.
}

std::string joined_container(const Container& container) {
  constexpr std::string_view mark = "container:";
  const std::string& network = container.config.network;
  return network.starts_with(mark) ? network.substr(mark.size()) : "";
}

}  // namespace

Result<Container> Engine::start(std::string_view name) {
  std::lock_guard lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
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

Result<void> Engine::assign_addresses(Container& container) {
  for (Endpoint& endpoint : container.endpoints) {
    HOP_TRY(const Network* network, look_up_network(endpoint.network));
    const std::vector<Ipv4> taken = taken_on(*network);
    const bool first = &endpoint == &container.endpoints.front();
    if (first && container.config.ip) {
      HOP_TRY(endpoint.ip, check_address(*network, *container.config.ip, taken));
    } else {
      HOP_TRY(endpoint.ip, free_address(*network, taken));
    }
    endpoint.mac = mac_of(endpoint.ip);
  }
  return {};
}

Result<Fd> Engine::make_sandbox(Container& container) {
  if (const std::string other = joined_container(container); !other.empty()) {
    HOP_TRY(const Container* holder, look_up(other));
    if (holder->state != State::running) {
      return Error(ErrorCode::conflict,
                   str("cannot join network of a non running container: ", holder->id));
    }
    container.sandbox_id = holder->sandbox_id;
    return Fd();
  }
  proc::PodSandboxSpec spec;
  spec.id = container.sandbox_id;
  spec.labels = {{engine_label, container.config.name}};
  spec.hostname = hostname_of(container);
  spec.host_network = container.config.network == "host";
  spec.host_pid = container.config.host_pid;
  spec.hosts = hosts_text(container, spec.hostname);
  spec.resolv_conf = resolv_text(container);
  spec.first_container_holds = true;
  HOP_TRY(proc::RunningSandbox sandbox, client_->run_sandbox(spec));
  return std::move(sandbox.netns);
}

Result<void> Engine::plug_in(Container& container, const Fd& netns) {
  std::vector<HostNetwork::Attachment> attachments;
  container.interfaces = 0;
  for (size_t i = 0; i < container.endpoints.size(); ++i) {
    Endpoint& endpoint = container.endpoints[i];
    HOP_TRY(const Network* network, look_up_network(endpoint.network));
    HOP_CHECK(host_.ensure_bridge(*network));
    endpoint.host_link = host_link_name(container.id, network->id);
    attachments.push_back({network, &endpoint, str("eth", container.interfaces++), i == 0});
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
  const ContainerConfig& config = container.config;
  proc::ContainerSpec spec;
  spec.id = container.id;
  spec.sandbox_id = container.sandbox_id;
  spec.labels = {{engine_label, config.name}};
  spec.image = config.image;
  spec.command = config.entrypoint;
  spec.args = config.command;
  spec.env = config.env;
  spec.working_dir = config.working_dir;
  spec.stdin_open = config.open_stdin;
  spec.stdin_once = config.stdin_once;
  spec.tty = config.tty;
  spec.mounts = config.mounts;
  spec.security = config.security;
  spec.resources = config.resources;
  spec.log.path = container.log_path;
  HOP_TRY(const proc::ContainerStatus status, client_->start_container(spec));
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
  if (container.config.auto_remove) {
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
  restart_at_.erase(container->id);
  container->stopped_by_user = true;
  if (container->state != State::running) return *container;
  const Container before = *container;
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
  if (signal == SIGKILL) container->stopped_by_user = true;
  HOP_CHECK(client_->kill_container(container->id, signal));
  return *container;
}

Result<Container> Engine::wait(std::string_view name, bool removed) {
  std::unique_lock lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
  Container last = *container;
  changed_.wait(lock, [&] {
    auto found = containers_.find(last.id);
    if (found == containers_.end()) return true;
    last = found->second;
    return !removed && last.state != State::running;
  });
  return last;
}

}  // namespace hoplab::engine
