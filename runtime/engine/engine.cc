#include "runtime/engine/engine.h"

#include <sys/socket.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/engine/address_pool.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/engine/container_spec.h"
#include "runtime/engine/names.h"

namespace hoplab::engine {

namespace {

Network fixed_network(std::string name, std::string driver) {
  Network network;
  network.name = std::move(name);
  network.driver = std::move(driver);
  return network;
}

/// What is there without being made. Ids are random, as docker's are.
std::vector<Network> fixed_networks() {
  std::vector<Network> out{fixed_network("bridge", "bridge"), fixed_network("host", "host"),
                           fixed_network("none", "null")};
  for (Network& network : out) {
    network.id = random_id();
    network.created_at = SystemClock().wall().time_since_epoch().count();
  }
  out[0].subnet = default_subnet;
  out[0].gateway = default_subnet.network() + 1;
  out[0].bridge = bridge_name(out[0]);
  return out;
}

}  // namespace

Engine::Engine(EngineConfig config, Log log, StateFiles files, HostNetwork network,
               std::unique_ptr<proc::ContainerClient> client)
    : config_(std::move(config)),
      log_(std::move(log)),
      client_(std::move(client)),
      images_(config_.images),
      files_(std::move(files)),
      host_(std::move(network)),
      proxies_(config_.executable) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineConfig config, Log log) {
  HOP_TRY(auto client, proc::ContainerClient::connect(config.node_socket));
  HOP_TRY(StateFiles files, StateFiles::open(config.folder));
  HOP_TRY(HostNetwork network, HostNetwork::open());
  std::unique_ptr<Engine> engine(new Engine(std::move(config), std::move(log), std::move(files),
                                            std::move(network), std::move(client)));
  HOP_CHECK(engine->recover());
  return engine;
}

Engine::~Engine() {
  if (!event_thread_.joinable()) return;
  ::shutdown(events_->fd(), SHUT_RDWR);
  event_thread_.join();
}

Result<void> Engine::recover() {
  std::lock_guard lock(mutex_);
  HOP_TRY(broken_, make_pipe());
  HOP_TRY(auto contents, files_.load(log_));
  networks_ = fixed_networks();
  for (Network& network : contents.networks) {
    const bool fixed = std::any_of(networks_.begin(), networks_.end(), [&](Network& known) {
      if (known.name == network.name) known = network;  // Keeps its id.
      return known.name == network.name;
    });
    if (!fixed) networks_.push_back(std::move(network));
  }
  HOP_CHECK(files_.save(networks_));
  HOP_CHECK(host_.prepare());
  for (const Network& network : networks_) {
    if (network.is_bridge()) HOP_CHECK(host_.ensure_bridge(network));
  }
  // Subscribe before listing: an end in between is seen twice rather than never.
  HOP_TRY(auto events, client_->subscribe());
  events_ = std::move(events);
  HOP_TRY(const proc::NodeContents running, client_->list());
  for (Container& container : contents.containers) {
    std::string id = container.id;
    recover_container(containers_.emplace(id, std::move(container)).first->second, running);
  }
  remove_orphans(running);
  HOP_CHECK(sync_rules());
  event_thread_ = start_thread(
      "events", end_process, [this] { watch_events(); }, log_);
  return {};
}

/// What an engine started that was killed before it could write that down.
void Engine::remove_orphans(const proc::NodeContents& contents) {
  for (const proc::SandboxStatus& sandbox : contents.sandboxes) {
    if (!sandbox.spec.labels.contains(engine_label)) continue;
    const bool known = std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
      return entry.second.state == State::running && entry.second.sandbox_id == sandbox.spec.id;
    });
    if (known) continue;
    log_.warning("removing what an earlier engine left half started: " + sandbox.spec.id);
    if (auto removed = client_->remove_sandbox(sandbox.spec.id); !removed) {
      log_.error("removing a sandbox", removed.error());
    }
  }
}

void Engine::recover_container(Container& container, const proc::NodeContents& contents) {
  if (container.state == State::exited) restart_later(container);
  if (container.state != State::running) return;
  for (const proc::ContainerStatus& status : contents.containers) {
    if (status.spec.id != container.id) continue;
    if (status.state != proc::ContainerState::running) return ended(container, status);
    if (container.endpoints.empty()) return;
    // The proxies ended with the engine before.
    auto opened = proxies_.open(container.id, container.endpoints.front().ip, container.ports);
    if (!opened) log_.error("publishing the ports of " + container.config.name, opened.error());
    return;
  }
  proc::ContainerStatus lost;  // node-init was killed with everything it kept
  lost.exit_code = 137;
  lost.finished_at = clock_.wall().time_since_epoch().count();
  ended(container, lost);
}

void Engine::watch_events() {
  for (;;) {
    auto event = events_->next(until_restart());
    std::lock_guard lock(mutex_);
    if (!event) {
      log_.error("node-init", event.error());
      broken_.write_end.reset();
      return;
    }
    if (*event) on_event(**event);
    restart_due();
  }
}

Millis Engine::until_restart() const {
  std::lock_guard lock(mutex_);
  Millis left(60'000);
  for (const auto& [id, when] : restart_at_) {
    left = std::min(left, std::chrono::ceil<Millis>(when - clock_.steady()));
  }
  return std::max(left, Millis(0));
}

void Engine::restart_due() {
  std::vector<std::string> due;  // Starting one changes the map.
  for (const auto& [id, when] : restart_at_) {
    if (when <= clock_.steady()) due.push_back(id);
  }
  for (const std::string& id : due) {
    restart_at_.erase(id);
    auto found = containers_.find(id);
    if (found == containers_.end() || found->second.state == State::running) continue;
    Container& container = found->second;
    ++container.restarts;
    if (auto started = start_now(container); !started) {
      log_.error("restarting " + container.config.name, started.error());
      container.started_at = container.finished_at;  // That was no stable run.
      restart_later(container);
    }
  }
}

Result<Container*> Engine::look_up(std::string_view name) {
  HOP_TRY(const Container* found, std::as_const(*this).look_up(name));
  return &containers_.at(found->id);
}

Result<const Container*> Engine::look_up(std::string_view name) const {
  const std::string_view bare = name.starts_with('/') ? name.substr(1) : name;
  if (auto found = containers_.find(bare); found != containers_.end()) return &found->second;
  const auto match = find_by_name(
      containers_, bare, [](const auto& entry) -> const auto& { return entry.second.config.name; },
      [](const auto& entry) -> const auto& { return entry.first; });
  if (match.ambiguous) {
    return Error(ErrorCode::invalid, str("Multiple IDs found with provided prefix: ", name));
  }
  if (match.found != nullptr) return &match.found->second;
  return Error(ErrorCode::not_found, str("No such container: ", name));
}

const Container* Engine::named(std::string_view name) const {
  auto found = std::find_if(containers_.begin(), containers_.end(),
                            [&](const auto& entry) { return entry.second.config.name == name; });
  return found == containers_.end() ? nullptr : &found->second;
}

Result<void> Engine::check_config(const ContainerConfig& config, const proc::Image& image) const {
  if (command_line(image, config.entrypoint, config.command).empty()) {
    return Error(ErrorCode::invalid, "No command specified");
  }
  if (const Container* other = named(config.name)) {
    return Error(ErrorCode::conflict,
                 str("Conflict. The container name \"/", config.name,
                     "\" is already in use by container \"", other->id,
                     "\". You have to remove (or rename) that container to be able to reuse that "
                     "name."));
  }
  return {};
}

/// Checks what is said about the network, and puts what does not change for a name or a part of an
/// id: the network's name, the other container's id. Null where another's network is joined.
Result<const Network*> Engine::settle_network(ContainerConfig& config) const {
  if (is_joined(config)) {
    HOP_TRY(const Container* other, look_up(joined_name(config)));
    if (is_joined(other->config)) {
      return Error(ErrorCode::invalid, "cannot join network of a container that joined another's");
    }
    if (!config.ports.empty()) {
      return Error(ErrorCode::invalid,
                   "conflicting options: port publishing and the container type network mode");
    }
    config.network = str(joined_mark, other->id);
    return static_cast<const Network*>(nullptr);
  }
  HOP_TRY(const Network* network, look_up_network(config.network));
  if (config.ip) HOP_CHECK(check_address(*network, *config.ip, {}));
  if (!config.aliases.empty() && (!network->is_bridge() || network->is_default())) {
    return Error(ErrorCode::invalid,
                 "network-scoped alias is supported only for containers in user defined networks");
  }
  config.network = network->name;
  return network;
}

Result<Container> Engine::create(ContainerConfig config) {
  HOP_TRY(const proc::Image image, images_.resolve(config.image));
  std::lock_guard lock(mutex_);
  Container container;
  container.id = random_id();
  if (config.name.empty()) {
    config.name = random_name([this](const std::string& name) { return named(name) != nullptr; });
  }
  HOP_CHECK(check_name("container", config.name));
  HOP_CHECK(check_config(config, image));
  HOP_TRY(const Network* network, settle_network(config));
  container.image_id = image.id;
  container.program = command_line(image, config.entrypoint, config.command);
  if (network != nullptr && network->is_bridge()) {
    container.endpoints.push_back(
        {.network = config.network, .wish = config.ip, .aliases = config.aliases});
  }
  container.config = std::move(config);
  container.sandbox_id = container.id;  // Until it starts.
  HOP_CHECK(validate(spec_of(container)));
  container.created_at = clock_.wall().time_since_epoch().count();
  container.log_path = files_.log_path(container.id);
  HOP_CHECK(files_.save(container));
  return containers_.emplace(container.id, container).first->second;
}

Result<void> Engine::remove(std::string_view name, bool force) {
  std::unique_lock lock(mutex_);
  HOP_TRY(Container * container, look_up(name));
  const std::string id = container->id;
  if (container->state == State::running) {
    if (!force) {
      return Error(ErrorCode::conflict,
                   str("You cannot remove a running container ", id,
                       ". Stop the container before attempting removal or force remove"));
    }
    HOP_CHECK(client_->kill_container(id, SIGKILL));
    container->stopped_by_user = true;
    container->removing = true;
    changed_.wait(lock, [&] {
      auto found = containers_.find(id);
      return found == containers_.end() || found->second.state != State::running;
    });
  }
  forget(id);
  return {};
}

void Engine::forget(const std::string& id) {
  auto found = containers_.find(id);
  if (found == containers_.end()) return;
  files_.forget(found->second);
  if (waiters_.contains(id)) last_seen_[id] = found->second;
  restart_at_.erase(id);
  back_off_.erase(id);
  containers_.erase(found);
  changed_.notify_all();
}

Result<Container> Engine::rename(std::string_view name, const std::string& to) {
  std::lock_guard lock(mutex_);
  HOP_CHECK(check_name("container", to));
  HOP_TRY(Container * container, look_up(name));
  if (const Container* other = named(to)) {
    return Error(ErrorCode::conflict,
                 str("Conflict. The container name \"/", to, "\" is already in use by container \"",
                     other->id, "\"."));
  }
  container->config.name = to;
  keep(*container);
  return *container;
}

std::vector<Container> Engine::list() const {
  std::lock_guard lock(mutex_);
  std::vector<Container> out;
  for (const auto& [id, container] : containers_) out.push_back(container);
  std::sort(out.begin(), out.end(), [](const Container& a, const Container& b) {
    return a.created_at > b.created_at;  // docker ps: the newest first
  });
  return out;
}

Result<Container> Engine::find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  HOP_TRY(const Container* container, look_up(name));
  return *container;
}

void Engine::keep(const Container& container) {
  if (auto saved = files_.save(container); !saved) {
    log_.error("keeping the state of " + container.config.name, saved.error());
  }
}

}  // namespace hoplab::engine
