#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/engine/host_network.h"
#include "runtime/engine/port_proxies.h"
#include "runtime/engine/state_files.h"
#include "runtime/engine/types.h"
#include "runtime/proc/container_client.h"
#include "runtime/proc/image_catalog.h"

namespace hoplab::engine {

struct EngineConfig {
  std::string folder;       ///< For state and logs.
  std::string node_socket;  ///< Of node-init.
  std::string images;       ///< Folder of the user's ImageStore.
  std::string executable;   ///< hoplab, for the proxies of published ports.
};

struct NetworkWish {
  std::string name;
  std::string driver = "bridge";
  std::optional<Prefix> subnet;  ///< Else the next free one.
  std::optional<Ipv4> gateway;   ///< Else the subnet's first address.
  bool internal = false;
  proc::Labels labels;
};

/// A tiny container engine on one host: what dockerd is to docker. It decides (names, addresses,
/// ports, restarts) and wires; node-init forks and keeps containers, so they outlive it: the next
/// engine takes them over from its state files and node-init's list.
///
/// Any thread may call. Containers and networks go by name, id or the unique start of one; errors
/// are worded as dockerd's ("No such container: web"). Changes are done when a call returns.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(EngineConfig config, Log log);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Result<Container> create(ContainerConfig config);
  /// Fine when it runs. When the program cannot be started the error says why, and the container's
  /// exit code is 126 to 128.
  Result<Container> start(std::string_view name);
  /// SIGTERM, after `grace` SIGKILL; returns when it has ended. Fine when it does not run.
  Result<Container> stop(std::string_view name, Millis grace);
  /// stop() and start(); a container that is removed at its end lives on.
  Result<Container> restart(std::string_view name, Millis grace);
  Result<Container> kill(std::string_view name, int signal);
  /// A running one only with `force`.
  Result<void> remove(std::string_view name, bool force);
  Result<Container> rename(std::string_view name, const std::string& to);
  /// Until it does not run, or with `removed` until it is gone; its last state. Gives up
  /// (`unavailable`) when `nobody_waits`, which is asked every second, says so.
  Result<Container> wait(std::string_view name, bool removed,
                         const std::function<bool()>& nobody_waits = {});
  [[nodiscard]] std::vector<Container> list() const;
  [[nodiscard]] Result<Container> find(std::string_view name) const;

  Result<Network> create_network(const NetworkWish& wish);
  Result<void> remove_network(std::string_view name);
  [[nodiscard]] std::vector<Network> list_networks() const;
  [[nodiscard]] Result<Network> find_network(std::string_view name) const;
  Result<void> connect(std::string_view network, std::string_view container,
                       const std::optional<Ipv4>& ip, const std::vector<std::string>& aliases);
  Result<void> disconnect(std::string_view network, std::string_view container, bool force);

  /// Readable once node-init is gone: nothing can be done any more.
  [[nodiscard]] int broken_fd() const { return broken_.read_end.get(); }

 private:
  using Containers = std::map<std::string, Container, std::less<>>;  ///< By id.

  Engine(EngineConfig config, Log log, StateFiles files, HostNetwork network,
         std::unique_ptr<proc::ContainerClient> client);
  Result<void> recover();
  void recover_container(Container& container, const proc::NodeContents& contents);
  void remove_orphans(const proc::NodeContents& contents);

  // All below with mutex_ held.
  Result<Container*> look_up(std::string_view name);
  [[nodiscard]] Result<const Container*> look_up(std::string_view name) const;
  Result<const Network*> look_up_network(std::string_view name) const;
  [[nodiscard]] const Container* named(std::string_view name) const;
  Result<void> check_config(const ContainerConfig& config, const proc::Image& image) const;
  Result<const Network*> settle_network(ContainerConfig& config) const;
  Result<Container> stop_locked(std::unique_lock<std::mutex>& lock, const std::string& id,
                                Millis grace);
  Result<void> choose_way_out(Container& container);
  Result<void> start_now(Container& container);
  Result<void> start_failed(Container& container, const Error& error);
  Result<Fd> make_sandbox(Container& container);
  Result<void> plug_in(Container& container, const Fd& netns);
  Result<void> assign_address(Endpoint& endpoint, const Network& network) const;
  Result<void> assign_addresses(Container& container);
  Result<void> name_link(Container& container, Endpoint& endpoint, const Network& network);
  Result<void> publish_ports(Container& container);
  Result<void> run_program(Container& container);
  void tear_down(Container& container);
  Result<void> sync_rules();
  void on_event(const proc::ContainerEvent& event);
  void ended(Container& container, const proc::ContainerStatus& status);
  void restart_later(Container& container);
  void forget(const std::string& id);
  void keep(const Container& container);
  [[nodiscard]] std::vector<Ipv4> taken_on(const Network& network) const;
  [[nodiscard]] bool is_used(const Network& network) const;
  [[nodiscard]] bool sandbox_is_shared(const Container& container) const;

  void watch_events();
  [[nodiscard]] Millis until_restart() const;
  void restart_due();

  EngineConfig config_;
  Log log_;
  SystemClock clock_;
  std::unique_ptr<proc::ContainerClient> client_;
  proc::ImageCatalog images_;
  Pipe broken_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  StateFiles files_;
  HostNetwork host_;
  PortProxies proxies_;
  Containers containers_;
  std::vector<Network> networks_;
  std::map<std::string, SteadyTime> restart_at_;
  std::map<std::string, Millis> back_off_;
  std::set<std::string> restarting_;            ///< Not removed at this end.
  std::map<std::string, int> waiters_;          ///< By container id.
  std::map<std::string, Container> last_seen_;  ///< Of removed ones that somebody waits for.

  std::optional<proc::EventSubscription> events_;
  std::jthread event_thread_;
};

}  // namespace hoplab::engine
