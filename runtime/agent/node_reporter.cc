#include "runtime/agent/node_reporter.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/thread.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::agent {

namespace {

constexpr Millis retry_interval{300};
constexpr const char* lease_namespace = "kube-node-lease";

}  // namespace

NodeReporter::NodeReporter(Source& source, NodeDescription node, TellNode tell, Log log)
    : source_(source),
      node_(std::move(node)),
      tell_(std::move(tell)),
      log_(std::move(log)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_(start_thread(
          "node-reporter", end_process, [this] { run(); }, log_)) {}

NodeReporter::~NodeReporter() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

bool NodeReporter::network_ready() const {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(node_.cni_folder, code)) {
    if (entry.path().extension() == ".conflist") return true;
  }
  return false;
}

/// Waits for a change in the CNI folder or the time; false = stop.
bool NodeReporter::wait_for_change(int watch_fd, Millis timeout) const {
  pollfd fds[] = {{wake_.get(), POLLIN, 0}, {watch_fd, POLLIN, 0}};
  ::poll(fds, 2, static_cast<int>(timeout.count()));
  if (fds[1].revents != 0) {
    alignas(inotify_event) char events[4096];
    while (::read(watch_fd, events, sizeof events) > 0) {
    }
  }
  return fds[0].revents == 0;
}

void NodeReporter::run() {
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  std::error_code code;
  std::filesystem::create_directories(node_.cni_folder, code);
  ::inotify_add_watch(watch.get(), node_.cni_folder.c_str(),
                      IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE);
  while (!register_node()) {
    if (!wait_for_change(watch.get(), retry_interval)) return;
  }
  std::optional<bool> reported;
  SteadyTime next_look;
  for (;;) {
    SteadyTime now = SystemClock().steady();
    bool due = now >= next_look;
    if (due) {
      renew_lease();
      next_look = now + node_.lease / 4;
    }
    bool ready = network_ready();
    if (due || reported != ready) {
      reported = report(ready) ? std::optional(ready) : std::nullopt;
    }
    Millis timeout = reported == ready ? std::chrono::ceil<Millis>(next_look - now)
                                       : std::min(retry_interval, node_.lease / 4);
    if (!wait_for_change(watch.get(), timeout)) return;
  }
}

bool NodeReporter::register_node() {
  const api::Kind& nodes = api::kind_of("Node");
  auto created = source_.create(nodes, "", make_node(node_));
  if (created || created.error().code() == ErrorCode::already_exists) return true;
  log_.error("registering node " + node_.facts.name, created.error());
  return false;
}

bool NodeReporter::report(bool ready) {
  const api::Kind& nodes = api::kind_of("Node");
  auto current = source_.get(nodes, "", node_.facts.name);
  if (!current) {
    log_.error("comparing the status of node " + node_.facts.name, current.error());
    // As a kubelet, we register only once: a node that was deleted stays away until the agent
    // starts again.
    return current.error().code() == ErrorCode::not_found;
  }
  const Json& previous = member(*current, "status");
  Json status = make_node_status(node_, ready, previous, SystemClock().wall());
  SteadyTime now = SystemClock().steady();
  if (same_node_status(status, previous) && now < written_at_ + node_.report_after) return true;
  auto written = source_.patch(nodes, "", node_.facts.name, PatchType::merge, {{"status", status}},
                               Subresource::status);
  if (!written) {
    log_.error("writing the status of node " + node_.facts.name, written.error());
    return false;
  }
  if (ready != reconcile::node_is_ready(*current)) {
    std::string reason = ready ? "NodeReady" : "NodeNotReady";
    tell_(reason, "Node " + node_.facts.name + " status is now: " + reason);
  }
  written_at_ = now;
  return true;
}

void NodeReporter::renew_lease() {
  const api::Kind& leases = api::kind_of("Lease");
  std::string now = to_rfc3339_micro(SystemClock().wall());
  Json patch = {{"spec", {{"renewTime", now}}}};
  auto renewed = source_.patch(leases, lease_namespace, node_.facts.name, PatchType::merge, patch);
  if (renewed) return;
  if (renewed.error().code() == ErrorCode::not_found) {
    Json lease = {
        {"apiVersion", "coordination.k8s.io/v1"},
        {"kind", "Lease"},
        {"metadata", {{"name", node_.facts.name}, {"namespace", lease_namespace}}},
        {"spec",
         {{"holderIdentity", node_.facts.name},
          {"leaseDurationSeconds", std::chrono::ceil<std::chrono::seconds>(node_.lease).count()},
          {"renewTime", now}}}};
    renewed = source_.create(leases, lease_namespace, lease);
  }
  if (!renewed) log_.error("renewing the lease of node " + node_.facts.name, renewed.error());
}

}  // namespace hoplab::agent
