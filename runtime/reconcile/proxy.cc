#include "runtime/reconcile/proxy.h"

#include "runtime/base/text.h"
#include "runtime/nft/change.h"
#include "runtime/plan/services_input.h"
#include "runtime/reconcile/stale_flows.h"

namespace hoplab::reconcile {

namespace {

constexpr size_t commands_in_event = 3;
// So that a burst of changes is one transaction: each costs the kernel 10 ms, however small.
constexpr Millis settle{2};
// But no change waits longer than this for more to come.
constexpr Millis longest_settle{20};

std::string key_of(const plan::ServicePortName& name) {
  return name.namespace_name + "/" + name.name;
}

}  // namespace

Proxy::Proxy(Source& source, ProxyKernel& kernel, ProxyOptions options, Log log)
    : kernel_(kernel),
      options_(std::move(options)),
      log_(std::move(log)),
      source_(source),
      events_(source, "kube-proxy", options_.config.node, log_),
      node_{"v1", "Node", "", options_.config.node, options_.config.node, ""},
      rules_(options_.config),
      services_(source, api::kind_of("Service"), {}, log_.named("services")),
      endpoint_slices_(source, api::kind_of("EndpointSlice"), {}, log_.named("endpointslices")) {}

void Proxy::stop() {
  stopping_ = true;
  box_.close();
}

void Proxy::watch_changes() {
  services_.deliver_to(box_);
  endpoint_slices_.on_change([this](const Informer::Object& before, const Informer::Object& now) {
    const std::string was = before == nullptr ? "" : plan::service_of_slice(*before);
    const std::string is = now == nullptr ? "" : plan::service_of_slice(*now);
    {
      // In one go: a reader in between would see a service without its endpoints.
      auto slices = slices_.lock();
      if (!was.empty()) {
        Slices& of_service = (*slices)[was];
        of_service.erase(api::key_of(*before));
        if (of_service.empty()) slices->erase(was);
      }
      if (!is.empty()) (*slices)[is][api::key_of(*now)] = now;
    }
    if (!was.empty()) box_.put(was);
    if (!is.empty()) box_.put(is);
  });
  services_.start();
  endpoint_slices_.start();
}

/// Rules made from half a list would cut services off.
bool Proxy::wait_for_lists() {
  while (!stopping_) {
    if (services_.wait_synced(Millis(200)) && endpoint_slices_.wait_synced(Millis(200))) {
      return true;
    }
  }
  return false;
}

/// The node's own address, and what events are about. Without the Node object both stay as they
/// are: only loadBalancerSourceRanges ask for the address.
void Proxy::learn_node() {
  auto node = source_.get(api::kind_of("Node"), "", options_.config.node);
  if (!node) return;
  node_.uid = api::uid_of(*node);
  plan::ProxyConfig config = options_.config;
  for (const Json& address : at_path(*node, "status.addresses")) {
    if (string_or(address, "type") != "InternalIP") continue;
    if (auto ip = Ipv4::parse(string_or(address, "address"))) config.node_ip = *ip;
  }
  rules_ = plan::ServiceRules(config);
}

void Proxy::run() {
  for (const std::string& problem : kernel_.prepare()) log_.warning(problem);
  watch_changes();
  if (wait_for_lists()) {
    learn_node();
    for (const Informer::Object& service : services_.list()) take_up(api::key_of(*service));
    resync();
  }
  while (!stopping_) {
    const auto left = std::chrono::ceil<Millis>(next_sync_ - std::chrono::steady_clock::now());
    auto key = box_.take(std::max(left, Millis(0)));
    const auto enough = std::chrono::steady_clock::now() + longest_settle;
    while (key) {
      take_up(*key);
      key = std::chrono::steady_clock::now() < enough ? box_.take(settle) : std::nullopt;
    }
    if (stopping_) break;
    if (std::chrono::steady_clock::now() >= next_sync_) {
      resync();
    } else {
      bring_up_to_date();
    }
  }
  services_.stop();
  endpoint_slices_.stop();
}

/// Reads one service and its slices from the local copies and plans its rules.
void Proxy::take_up(const std::string& service) {
  plan::ServiceInput input;
  const Informer::Object object = services_.get(service);
  if (object != nullptr) {
    Slices held;  // Keeps the objects while they are read.
    {
      auto slices = slices_.lock();
      if (auto found = slices->find(service); found != slices->end()) held = found->second;
    }
    std::vector<const Json*> slices;
    for (const auto& [key, slice] : held) slices.push_back(slice.get());
    input = plan::service_input(*object, slices);
  }
  if (complaints_[service] != input.ignored) {
    for (const std::string& sentence : input.ignored) log_.warning(sentence);
    complaints_[service] = input.ignored;
  }
  if (input.ignored.empty()) complaints_.erase(service);

  const size_t slash = service.find('/');
  const plan::ServicePortName first{service.substr(0, slash), service.substr(slash + 1), ""};
  for (auto it = rules_.ports().lower_bound(first);
       it != rules_.ports().end() && key_of(it->first) == service; ++it) {
    const plan::ServicePort* now = nullptr;
    for (const plan::ServicePort& port : input.ports) {
      if (port.name == it->first) now = &port;
    }
    for (ConntrackFilter& flow : stale_flows(&it->second, now)) stale_.push_back(flow);
  }
  for (const plan::ServicePort& port : input.ports) {
    // What is there at the start was there before: its flows go on.
    if (rounds_ == 0 || rules_.ports().contains(port.name)) continue;
    for (ConntrackFilter& flow : stale_flows(nullptr, &port)) stale_.push_back(flow);
  }
  rules_.set(first.namespace_name, first.name, std::move(input.ports));
}

void Proxy::bring_up_to_date() {
  const plan::ServiceRules::Changes changes = rules_.take_changes();
  if (changes.everything) return resync();
  if (changes.empty()) return;
  auto report = kernel_.update(changes.changed, changes.removed);
  if (!report && report.error().code() == ErrorCode::not_found) {
    // What the change builds on is gone: somebody emptied a table between two looks of ours.
    report = kernel_.sync(rules_.rules());
    if (report) tell_restored(*report);
  }
  finish_round(report);
}

void Proxy::resync() {
  const plan::ServiceRules::Changes changes = rules_.take_changes();
  const bool nothing_new = changes.empty();
  auto report = kernel_.sync(rules_.rules());
  if (report && synced_once_ && nothing_new && !report->changes.empty()) tell_restored(*report);
  next_sync_ = std::chrono::steady_clock::now() + options_.resync;
  if (report) synced_once_ = true;
  finish_round(report);
}

void Proxy::finish_round(const Result<nft::ApplyReport>& report) {
  if (!report) {
    log_.error("writing the service rules", report.error());
    healthy_ = false;
    // What failed is planned again from scratch: a whole sync needs no memory of it.
    next_sync_ = std::chrono::steady_clock::now() + options_.retry;
    synced_once_ = false;
    return;
  }
  for (const std::string& chain : report->kept_chains) {
    log_.warning("chain " + chain + " stays: a rule that is not ours jumps to it");
  }
  hold_node_ports();
  if (!stale_.empty()) {
    // Only now: before, the old rules would have made the same flow again.
    if (auto forgotten = kernel_.forget_flows(stale_); !forgotten) {
      log_.error("forgetting stale UDP flows", forgotten.error());
    }
    stale_.clear();
  }
  healthy_ = true;
  if (options_.service_health) {
    options_.service_health(plan::service_health(rules_.ports(), options_.config.node));
  }
  ++rounds_;
}

void Proxy::hold_node_ports() {
  std::set<NodePort> ports;
  for (const auto& [name, port] : rules_.ports()) {
    if (port.node_port != 0) ports.insert({port.protocol, port.node_port});
  }
  std::set<std::string> problems;
  for (std::string& problem : kernel_.hold_ports(ports)) {
    if (!port_problems_.contains(problem)) {
      log_.warning(problem);
      events_.warning(node_, "NodePortTaken", problem);
    }
    problems.insert(std::move(problem));
  }
  port_problems_ = std::move(problems);
}

void Proxy::tell_restored(const nft::ApplyReport& report) {
  std::vector<std::string> commands;
  size_t count = 0;
  const auto& plan = report.changes;
  for (const auto* part : {&plan.build, &plan.rewire, &plan.clean}) {
    for (const nft::Change& change : *part) {
      if (change.kind != nft::ChangeKind::add_rule) continue;
      if (count++ < commands_in_event) commands.push_back(nft::to_command(change));
    }
  }
  std::string message =
      count == 0 ? str("removed ", plan.size(), " changes that somebody made to service rules")
                 : str("put back ", count, count == 1 ? " rule" : " rules",
                       " that somebody removed by hand: ", join(commands, "; "));
  if (count > commands_in_event) message += str("; and ", count - commands_in_event, " more");
  if (!report.foreign_chains.empty()) {
    message += str(". Not ours and left alone: rules in ", join(report.foreign_chains, ", "));
  }
  log_.warning(message);
  events_.warning(node_, "ServiceRulesRestored", message);
}

}  // namespace hoplab::reconcile
