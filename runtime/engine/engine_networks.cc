// The engine's networks; see engine.h.

#include <fcntl.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/engine/address_pool.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/engine/container_spec.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/names.h"

namespace hoplab::engine {

namespace {

Error no_such_network(std::string_view name) {
  return Error(ErrorCode::not_found, str("network ", name, " not found"));
}

Result<Fd> netns_of(const Container& container) {
  return open_fd(str("/proc/", container.pid, "/ns/net"), O_RDONLY);
}

Result<void> check_subnet(const NetworkWish& wish) {
  if (wish.driver != "bridge") {
    return Error(ErrorCode::unsupported,
                 str("plugin \"", wish.driver,
                     "\" not found: hoplab's engine has the drivers bridge, host and null"));
  }
  if (!wish.subnet) {
    if (!wish.gateway) return {};
    return Error(ErrorCode::invalid, "a gateway needs a subnet (--subnet)");
  }
  if (wish.subnet->address() != wish.subnet->network() || wish.subnet->length() > 29 ||
      wish.subnet->length() < 8) {
    return Error(ErrorCode::invalid,
                 str("invalid subnet ", to_string(*wish.subnet),
                     ": expected a network's address with a length from 8 to 29"));
  }
  if (wish.gateway &&
      (!wish.subnet->contains(*wish.gateway) || *wish.gateway == wish.subnet->network() ||
       *wish.gateway == wish.subnet->broadcast())) {
    return Error(ErrorCode::invalid,
                 str("no matching subnet for gateway ", to_string(*wish.gateway)));
  }
  return {};
}

}  // namespace

Result<const Network*> Engine::look_up_network(std::string_view name) const {
  const auto match = find_by_name(
      networks_, name, [](const Network& each) -> const auto& { return each.name; },
      [](const Network& each) -> const auto& { return each.id; });
  if (match.ambiguous) return Error(ErrorCode::invalid, str("network ", name, " is ambiguous"));
  if (match.found == nullptr) return no_such_network(name);
  return match.found;
}

std::vector<Ipv4> Engine::taken_on(const Network& network) const {
  std::vector<Ipv4> taken;
  for (const auto& [id, container] : containers_) {
    for (const Endpoint& endpoint : container.endpoints) {
      if (endpoint.network == network.name && !endpoint.ip.is_unspecified()) {
        taken.push_back(endpoint.ip);
      }
    }
  }
  return taken;
}

bool Engine::is_used(const Network& network) const {
  return std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
    return entry.second.state == State::running &&
           entry.second.endpoint_on(network.name) != nullptr;
  });
}

Result<Network> Engine::create_network(const NetworkWish& wish) {
  std::lock_guard lock(mutex_);
  HOP_CHECK(check_name("network", wish.name));
  HOP_CHECK(check_subnet(wish));
  if (auto other = look_up_network(wish.name); other && (*other)->name == wish.name) {
    return Error(ErrorCode::conflict, str("network with name ", wish.name, " already exists"));
  }
  HOP_TRY(const std::vector<Prefix> routes, host_.routes());
  Network network;
  network.id = random_id();
  network.name = wish.name;
  if (wish.subnet) {
    network.subnet = *wish.subnet;
    const auto overlaps = [&](const Prefix& other) {
      return other.length() != 0 && other.overlaps(network.subnet);
    };
    if (std::any_of(routes.begin(), routes.end(), overlaps)) {
      return Error(ErrorCode::conflict,
                   "Pool overlaps with other one on this address space: the host has a route to " +
                       to_string(network.subnet) + " or a part of it");
    }
  } else {
    HOP_TRY(network.subnet, free_subnet(networks_, routes));
  }
  network.gateway = wish.gateway.value_or(network.subnet.network() + 1);
  network.bridge = bridge_name(network);
  network.internal = wish.internal;
  network.labels = wish.labels;
  network.created_at = clock_.wall().time_since_epoch().count();
  HOP_CHECK(host_.ensure_bridge(network));
  networks_.push_back(network);
  auto done = sync_rules();
  if (done) done = files_.save(networks_);
  if (done) return network;
  networks_.pop_back();
  (void)sync_rules().ok();
  (void)host_.remove_bridge(network).ok();
  return std::move(done).error();
}

Result<void> Engine::remove_network(std::string_view name) {
  std::lock_guard lock(mutex_);
  HOP_TRY(const Network* found, look_up_network(name));
  const Network network = *found;
  if (!network.is_bridge() || network.is_default()) {
    return Error(ErrorCode::forbidden,
                 str(network.name, " is a pre-defined network and cannot be removed"));
  }
  if (is_used(network)) {
    return Error(ErrorCode::forbidden, str("error while removing network: network ", network.name,
                                           " id ", network.id, " has active endpoints"));
  }
  const std::vector<Network> before = networks_;
  std::erase_if(networks_, [&](const Network& one) { return one.id == network.id; });
  auto done = files_.save(networks_);
  if (done) done = sync_rules();
  if (done) done = host_.remove_bridge(network);
  if (done) return {};
  // All or nothing: what is left of it can be removed again.
  networks_ = before;
  (void)files_.save(networks_).ok();
  (void)sync_rules().ok();
  return done;
}

Result<void> Engine::connect(std::string_view network_name, std::string_view name,
                             const std::optional<Ipv4>& ip,
                             const std::vector<std::string>& aliases) {
  std::lock_guard lock(mutex_);
  HOP_TRY(const Network* network, look_up_network(network_name));
  HOP_TRY(Container * container, look_up(name));
  if (!network->is_bridge() || container->config.network == "host" ||
      is_joined(container->config)) {
    return Error(ErrorCode::forbidden, "container cannot be connected to network " + network->name +
                                           " while it shares a network namespace");
  }
  Endpoint endpoint{.network = network->name, .wish = ip, .aliases = aliases};
  if (ip) HOP_CHECK(check_address(*network, *ip, taken_on(*network)));
  if (container->endpoint_on(network->name) != nullptr) {
    return Error(ErrorCode::forbidden, str("endpoint with name ", container->config.name,
                                           " already exists in network ", network->name));
  }
  if (container->state == State::running) {
    HOP_CHECK(assign_address(endpoint, *network));
    HOP_TRY(const Fd netns, netns_of(*container));
    HOP_CHECK(name_link(*container, endpoint, *network));
    const HostNetwork::Attachment attachment{network, &endpoint, false};
    HOP_CHECK(host_.attach(netns, std::span(&attachment, 1)));
  }
  container->endpoints.push_back(std::move(endpoint));
  keep(*container);
  return choose_way_out(*container);
}

/// After a change of its networks: the first one that leads out has the default route, and the
/// first one of all the published ports.
Result<void> Engine::choose_way_out(Container& container) {
  if (container.state != State::running) return {};
  HOP_TRY(const Fd netns, netns_of(container));
  for (const Endpoint& endpoint : container.endpoints) {
    HOP_TRY(const Network* network, look_up_network(endpoint.network));
    if (network->internal) continue;
    HOP_CHECK(HostNetwork::set_way_out(netns, {network, &endpoint, true}));
    break;
  }
  if (container.ports.empty()) return {};
  proxies_.close(container.id);
  if (container.endpoints.empty()) {
    container.ports.clear();
  } else {
    HOP_CHECK(proxies_.open(container.id, container.endpoints.front().ip, container.ports));
  }
  keep(container);
  return sync_rules();
}

Result<void> Engine::disconnect(std::string_view network_name, std::string_view name, bool force) {
  std::lock_guard lock(mutex_);
  HOP_TRY(const Network* network, look_up_network(network_name));
  auto looked_up = look_up(name);
  if (!looked_up) return force ? Result<void>() : std::move(looked_up).error();
  Container& container = **looked_up;
  auto found =
      std::find_if(container.endpoints.begin(), container.endpoints.end(),
                   [&](const Endpoint& endpoint) { return endpoint.network == network->name; });
  if (found == container.endpoints.end()) {
    return Error(ErrorCode::forbidden,
                 str("container ", container.id, " is not connected to network ", network->name));
  }
  if (!found->host_link.empty()) {
    HOP_CHECK(host_.detach(std::span(&found->host_link, 1)));
  }
  container.endpoints.erase(found);
  keep(container);
  return choose_way_out(container);
}

std::vector<Network> Engine::list_networks() const {
  std::lock_guard lock(mutex_);
  return networks_;
}

Result<Network> Engine::find_network(std::string_view name) const {
  std::lock_guard lock(mutex_);
  HOP_TRY(const Network* network, look_up_network(name));
  return *network;
}

}  // namespace hoplab::engine
