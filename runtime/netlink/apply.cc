#include "runtime/netlink/apply.h"

#include <algorithm>
#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/netlink/messages.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/offload.h"
#include "runtime/netlink/sysctl.h"

namespace hoplab {
namespace {

constexpr size_t max_messages = 100;  // as Felix does (facts/calico.md 8)
constexpr size_t max_bytes = 32UL * 1024;

bool is_delete(const Action& action) {
  return std::holds_alternative<LinkDelete>(action) ||
         std::holds_alternative<AddressDelete>(action) ||
         std::holds_alternative<RouteDelete>(action) ||
         std::holds_alternative<NeighborDelete>(action) ||
         std::holds_alternative<FilterDelete>(action);
}

/// Those that the thread itself does inside the namespace.
bool is_local(const Action& action) {
  return std::holds_alternative<SysctlSet>(action) || std::holds_alternative<OffloadSet>(action);
}

Result<void> do_here(const Action& action) {
  if (const auto* set = std::get_if<OffloadSet>(&action)) {
    return write_tx_offload_here(set->link, set->on);
  }
  const auto& set = std::get<SysctlSet>(action);
  return write_sysctl_here(set.key, set.value);
}

/// One call of apply_operations(): collects messages, sends them, writes outcomes.
class Applier {
 public:
  Applier(NetlinkSocket& socket, std::span<const Operation> operations, const ApplyContext& context)
      : socket_(socket), operations_(operations), context_(context) {
    report_.outcomes.resize(operations.size());
    inputs_.link_index = [this](const std::string& name) { return socket_.link_index(name); };
    inputs_.peer_netns = context.peer_netns;
    inputs_.program = context.program;
  }

  ApplyReport run() && {
    for (size_t at = 0; at < operations_.size() && !stopped_;) {
      if (is_local(operations_[at].action)) {
        flush();
        at = apply_local(at);
      } else {
        add(at++);
      }
    }
    flush();
    return std::move(report_);
  }

 private:
  void add(size_t at) {
    const Action& action = operations_[at].action;
    const auto needed = links_needed(action);
    const bool early = std::any_of(needed.begin(), needed.end(), [this](const std::string& name) {
      return pending_.contains(name);
    });
    if (early || indexes_.size() >= max_messages) flush();
    if (stopped_) return;
    auto message = build_message(action, inputs_);
    if (!message) {
      flush();  // What comes before it is still done.
      if (stopped_) return;
      settle(at, std::move(message).error());
      return;
    }
    if (bytes_.size() + message->size() > max_bytes) flush();
    if (stopped_) return;
    bytes_.insert(bytes_.end(), message->begin(), message->end());
    indexes_.push_back(at);
    for (auto& name : links_changed(action)) pending_.insert(std::move(name));
  }

  void flush() {
    if (indexes_.empty() || stopped_) return;
    auto acks = socket_.transact(bytes_);
    for (size_t i = 0; i < indexes_.size(); ++i) {
      if (!acks) {
        settle(indexes_[i], acks.error());
      } else if (const NetlinkAck& ack = (*acks)[i]; ack.sys_errno != 0) {
        refuse(indexes_[i], ack.sys_errno, ack.message);
      } else {
        report_.outcomes[indexes_[i]].state = OutcomeState::done;
      }
    }
    bytes_.clear();
    indexes_.clear();
    pending_.clear();
  }

  // Does the run of local operations that starts at `at`; returns the index behind it.
  size_t apply_local(size_t at) {
    auto netns = socket_.netns();
    auto guard = netns ? NetnsGuard::enter(netns->get()) : Result<NetnsGuard>(netns.error());
    for (; at < operations_.size() && !stopped_; ++at) {
      if (!is_local(operations_[at].action)) break;
      auto done = guard ? do_here(operations_[at].action) : Result<void>(guard.error());
      if (done) {
        report_.outcomes[at].state = OutcomeState::done;
      } else {
        settle(at, std::move(done).error());
      }
    }
    return at;
  }

  void refuse(size_t at, int sys_errno, const std::string& message) {
    if (tolerated(at, sys_errno)) {
      report_.outcomes[at].state = OutcomeState::tolerated;
      return;
    }
    std::string what = to_command(operations_[at]);
    if (!message.empty()) what += ": " + message;
    fail(at, Error::from_errno(sys_errno, what));
  }

  void settle(size_t at, Error error) {
    if (tolerated(at, error.sys_errno())) {
      report_.outcomes[at].state = OutcomeState::tolerated;
      return;
    }
    fail(at, std::move(error).context(to_command(operations_[at])));
  }

  void fail(size_t at, Error error) {
    report_.outcomes[at] = {OutcomeState::failed, std::move(error)};
    if (!context_.keep_going) stopped_ = true;
  }

  [[nodiscard]] bool tolerated(size_t at, int sys_errno) const {
    const auto& allowed = is_delete(operations_[at].action) ? context_.tolerated_on_delete
                                                            : context_.tolerated_on_add;
    return sys_errno != 0 && allowed.contains(sys_errno);
  }

  NetlinkSocket& socket_;
  std::span<const Operation> operations_;
  const ApplyContext& context_;
  MessageInputs inputs_;
  ApplyReport report_;
  MessageBytes bytes_;             ///< Collected messages,
  std::vector<size_t> indexes_;    ///< the operation of each,
  std::set<std::string> pending_;  ///< and the links they make or remove.
  bool stopped_ = false;
};

}  // namespace

std::set<int> absent_errnos() {
  return {ENODEV, ENOENT, ESRCH, EADDRNOTAVAIL};
}

bool ApplyReport::ok() const {
  return std::all_of(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) {
    return outcome.state == OutcomeState::done || outcome.state == OutcomeState::tolerated;
  });
}

size_t ApplyReport::count(OutcomeState state) const {
  return static_cast<size_t>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [state](const Outcome& outcome) { return outcome.state == state; }));
}

Result<void> ApplyReport::status() const {
  const size_t failures = count(OutcomeState::failed);
  for (const Outcome& outcome : outcomes) {
    if (!outcome.error) continue;
    Error error = *outcome.error;
    if (failures == 1) return error;
    return std::move(error).context(str("first of ", failures, " failures"));
  }
  return {};
}

ApplyReport apply_operations(NetlinkSocket& socket, std::span<const Operation> operations,
                             const ApplyContext& context) {
  return Applier(socket, operations, context).run();
}

}  // namespace hoplab
