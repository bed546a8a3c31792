#include "runtime/reconcile/calico_node.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "runtime/base/text.h"
#include "runtime/plan/ipam_objects.h"

namespace hoplab::reconcile {

namespace {

constexpr Millis longest_retry{10000};
/// The kernel's own events come in flocks; one look at the end is enough.
constexpr Millis damping{50};
/// How long a pod may be without its route while its link is there: it is being wired or unwired.
constexpr Millis wiring_grace{2000};

/// Blocks as routes see them; unreadable ones are left out by the caller's log.
std::optional<plan::BlockOwner> owner_of(const Informer::Object& object) {
  if (!object) return std::nullopt;
  auto owner = plan::block_owner(*object, {});
  return owner ? std::optional(std::move(*owner)) : std::nullopt;
}

}  // namespace

CalicoNode::CalicoNode(Source& source, const Clock& clock, CalicoNodeConfig config, Log log)
    : source_(source),
      config_(std::move(config)),
      log_(std::move(log)),
      ipam_(source, clock, config_.node, log_.named("ipam")),
      events_(source, "calico-node", config_.node, log_.named("events")),
      nodes_(source, api::kind_of("Node"), {}, log_.named("nodes")),
      pools_(source, api::kind_of("IPPool"), {}, log_.named("pools")),
      blocks_(source, api::kind_of("IPAMBlock"), {}, log_.named("blocks")),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

CalicoNode::~CalicoNode() {
  for (Informer* informer : {&nodes_, &pools_, &blocks_}) informer->stop();
}

void CalicoNode::wake() {
  const uint64_t one = 1;
  if (write(wake_.get(), &one, sizeof one) < 0) return;  // full = it is awake already
}

void CalicoNode::start_informers() {
  nodes_.on_change([this](const Informer::Object& before, const Informer::Object& now) {
    // Heartbeats change a Node all the time; only its place in the network matters.
    const auto then = before ? plan::route_node(*before) : std::nullopt;
    if (!before || !now || then != plan::route_node(*now)) wake();
  });
  pools_.on_change([this](const Informer::Object&, const Informer::Object&) { wake(); });
  blocks_.on_change([this](const Informer::Object& before, const Informer::Object& now) {
    on_block(before, now);
  });
  for (Informer* informer : {&nodes_, &pools_, &blocks_}) informer->start();
}

void CalicoNode::on_block(const Informer::Object& before, const Informer::Object& now) {
  const auto owner = owner_of(now);
  if (owner_of(before) != owner) wake();
  const auto own = owner ? owner : owner_of(before);
  if (!own || own->node != config_.node) return;
  const std::set<Ipv4> freed = plan::freed_addresses(before.get(), now.get());
  if (freed.empty()) return;
  const std::lock_guard lock(mutex_);
  freed_.insert(freed.begin(), freed.end());
  wake();
}

bool CalicoNode::synced() const {
  return nodes_.synced() && pools_.synced() && blocks_.synced();
}

Result<bool> CalicoNode::wait(int stop_fd, std::optional<Millis> timeout) {
  std::array<pollfd, 3> fds{
      {{stop_fd, POLLIN, 0}, {wake_.get(), POLLIN, 0}, {kernel_->events_fd(), POLLIN, 0}}};
  const auto until = std::chrono::steady_clock::now() + timeout.value_or(config_.resync);
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    if (poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "wait for changes");
    }
    if (fds[0].revents != 0) return false;
    if (fds[1].revents != 0) {
      uint64_t count = 0;
      if (read(wake_.get(), &count, sizeof count) > 0) return true;
    }
    if (fds[2].revents == 0) continue;
    HOP_TRY(const bool ours,
            kernel_->interesting(applied_ ? applied_->network.routes : plan::BlockRoutesInput()));
    if (!ours) continue;
    usleep(static_cast<useconds_t>(damping.count()) * 1000);
    HOP_CHECK(kernel_->interesting(plan::BlockRoutesInput()));
    return true;
  }
}

Result<void> CalicoNode::run(int stop_fd) {
  HOP_TRY(CalicoKernel kernel, CalicoKernel::open());
  kernel_.emplace(std::move(kernel));
  start_informers();
  std::optional<Millis> timeout;
  Millis retry = config_.retry;
  for (;;) {
    if (!synced()) {
      timeout = Millis(20);  // nothing is touched before everything is known
    } else if (auto done = reconcile(); done) {
      retry = config_.retry;
      timeout = routeless_.empty() ? config_.resync : wiring_grace;
    } else {
      log_.error("bring the node's network up to date", done.error());
      timeout = retry;
      retry = std::min(retry * 2, longest_retry);
    }
    HOP_TRY(const bool go_on, wait(stop_fd, timeout));
    if (!go_on) return {};
  }
}

std::vector<plan::PoolView> CalicoNode::pools() const {
  std::vector<plan::PoolView> out;
  for (const auto& object : pools_.list()) {
    auto pool = plan::pool_view(*object);
    if (pool) {
      out.push_back(std::move(*pool));
    } else {
      log_.error("use an IP pool", pool.error());
    }
  }
  return out;
}

Result<CalicoNode::Wanted> CalicoNode::wanted() {
  Wanted out;
  plan::BlockRoutesInput& routes = out.network.routes;
  routes.own_node = config_.node;
  routes.tunnel = config_.tunnel;
  const auto own = nodes_.get(config_.node);
  if (!own) return Error(ErrorCode::not_found, str("there is no Node ", config_.node, " yet"));
  const auto place = plan::route_node(*own);
  if (!place) return Error(ErrorCode::not_found, "our own Node has no address yet");
  HOP_TRY(const CalicoKernel::Uplink uplink, kernel_->find_uplink(place->address.address()));
  routes.uplink = uplink.link;
  routes.uplink_gateway = uplink.gateway;
  out.network.tunnel_mtu = uplink.mtu - 20;
  const std::vector<plan::PoolView> views = pools();
  bool encapsulates = false;
  for (const plan::PoolView& pool : views) {
    encapsulates = encapsulates || pool.encapsulation != plan::Encapsulation::never;
    out.rules.pools.push_back({pool.addresses.cidr, pool.nat_outgoing});
  }
  if (encapsulates && !tunnel_address_) {
    HOP_TRY(tunnel_address_, ipam_.tunnel_address());
  }
  if (encapsulates) out.network.tunnel_address = tunnel_address_;
  out.rules.tunnel = encapsulates ? config_.tunnel : "";
  HOP_CHECK(annotate(uplink, out.network.tunnel_address));
  for (const auto& object : nodes_.list()) {
    if (auto node = plan::route_node(*object)) {
      if (node->name == config_.node) node->address = uplink.address;
      routes.nodes.push_back(std::move(*node));
    }
  }
  for (const auto& object : blocks_.list()) {
    auto block = plan::block_owner(*object, views);
    if (block) {
      routes.blocks.push_back(std::move(*block));
    } else {
      log_.error("use an IPAM block", block.error());
    }
  }
  return out;
}

Result<void> CalicoNode::reconcile() {
  HOP_TRY(const Wanted now, wanted());
  HOP_TRY(const CalicoKernel::Synced synced, kernel_->sync_network(now.network));
  tell(synced.done, applied_ == now);
  tell_conflicts(synced.conflicts);
  applied_ = now;
  HOP_CHECK(sync_rules(now));
  HOP_CHECK(repair_pod_routes());
  std::set<Ipv4> freed;
  {
    const std::lock_guard lock(mutex_);
    freed.swap(freed_);
  }
  if (auto forgotten = kernel_->forget_connections(freed); !forgotten) {
    log_.error("forget the connections of removed pods", forgotten.error());
  }
  if (synced.tunnel_missing) {
    log_.info(str("waiting for link ", config_.tunnel));
    return {};
  }
  const uint32_t overhead = now.network.tunnel_address ? 0 : 20;
  return write_conflist(now.network.tunnel_mtu + overhead);
}

std::vector<plan::LocalPod> CalicoNode::local_pods() const {
  std::vector<plan::LocalPod> out;
  for (const auto& object : blocks_.list()) {
    const auto block = plan::block_from_json(*object);
    if (!block) continue;  // wanted() says so
    for (auto& pod : plan::local_pods(*block, config_.node)) out.push_back(std::move(pod));
  }
  return out;
}

Result<void> CalicoNode::repair_pod_routes() {
  HOP_TRY(const std::vector<Operation> missing, kernel_->missing_pod_routes(local_pods()));
  const SteadyTime time = std::chrono::steady_clock::now();
  std::map<Prefix, SteadyTime> still;
  std::vector<Operation> due;
  for (const Operation& operation : missing) {
    const Prefix pod = std::get<RouteReplace>(operation.action).route.destination;
    const auto known = routeless_.find(pod);
    if (known != routeless_.end() && time - known->second >= wiring_grace) {
      due.push_back(operation);
    } else {
      still[pod] = known == routeless_.end() ? time : known->second;
    }
  }
  routeless_ = std::move(still);
  if (due.empty()) return {};
  HOP_CHECK(kernel_->apply(due));
  tell(due, true);
  return {};
}

Result<void> CalicoNode::sync_rules(const Wanted& now) {
  const SteadyTime time = std::chrono::steady_clock::now();
  if (applied_rules_ == now.rules && time < rules_due_) return {};
  HOP_TRY(const size_t changes, kernel_->sync_rules(now.rules));
  if (changes > 0) log_.info(str("changed ", changes, " rules and chains"));
  if (changes > 0 && applied_rules_ == now.rules) {
    if (const auto node = nodes_.get(config_.node)) {
      events_.warning(reference_to(*node), "RulesRepaired",
                      str("cali- rules on ", config_.node, " had been changed; put back (", changes,
                          " changes)"));
    }
  }
  applied_rules_ = now.rules;
  rules_due_ = time + config_.resync;
  return {};
}

Result<void> CalicoNode::annotate(const CalicoKernel::Uplink& uplink,
                                  std::optional<Ipv4> tunnel_address) {
  const auto node = nodes_.get(config_.node);
  const Json& present = at_path(*node, "metadata.annotations");
  Json wanted = {{plan::node_address_annotation, to_string(uplink.address)}};
  if (tunnel_address) {
    wanted[std::string(plan::tunnel_address_annotation)] = to_string(*tunnel_address);
  }
  for (auto it = wanted.begin(); it != wanted.end();) {
    it = member(present, it.key()) == it.value() ? wanted.erase(it) : std::next(it);
  }
  if (wanted.empty()) return {};
  HOP_CHECK(source_.patch(api::kind_of("Node"), "", config_.node, PatchType::merge,
                          {{"metadata", {{"annotations", wanted}}}}));
  return {};
}

Result<void> CalicoNode::write_conflist(uint32_t mtu) {
  if (config_.conflist.empty()) return {};
  const std::string text = plan::cni_conflist(config_.node, mtu);
  if (auto present = read_file(config_.conflist); present && *present == text) return {};
  HOP_CHECK(replace_file(config_.conflist, text));
  log_.info(str("the pod network is ready: wrote ", config_.conflist));
  return {};
}

/// What was changed goes to the log; what somebody had changed though we wanted the same as before
/// is also an event of the node.
void CalicoNode::tell(const std::vector<Operation>& done, bool unchanged) {
  const auto node = nodes_.get(config_.node);
  for (const Operation& operation : done) {
    const std::string command = to_command(operation);
    log_.info(str(command, "  # ", operation.reason));
    if (!unchanged || !node) continue;
    events_.warning(reference_to(*node), "NetworkRepaired",
                    str("the network of ", config_.node, " had been changed; put back: ", command));
  }
}

void CalicoNode::tell_conflicts(const std::vector<std::string>& conflicts) {
  std::set<std::string> now(conflicts.begin(), conflicts.end());
  for (const std::string& conflict : now) {
    if (!told_conflicts_.contains(conflict)) log_.warning(conflict);
  }
  told_conflicts_ = std::move(now);
}

}  // namespace hoplab::reconcile
