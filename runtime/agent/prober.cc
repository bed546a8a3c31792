#include "runtime/agent/prober.h"

#include "runtime/base/thread.h"

namespace hoplab::agent {

namespace {

/// Each waits for one answer; what hangs must not hold up the rest.
constexpr size_t most_threads = 32;
/// A program needs a moment to open its port; a refused first probe is only noise.
constexpr Millis settle_time{100};

}  // namespace

std::optional<bool> ProbeCounter::add(const Probe& probe, bool success) {
  successes_ = success ? successes_ + 1 : 0;
  failures_ = success ? 0 : failures_ + 1;
  std::optional<bool> now = state_;
  if (success && successes_ >= probe.success_threshold) now = true;
  if (!success && failures_ >= probe.failure_threshold) now = false;
  // A failing liveness or startup probe decides again each time: the container may have been
  // restarted in between; readiness only speaks when it changes.
  bool repeats = now == false && probe.kind != ProbeKind::readiness && !success;
  if (now == state_ && !repeats) return std::nullopt;
  state_ = now;
  return now;
}

SteadyTime next_tick(SteadyTime due, Millis period, SteadyTime now) {
  const auto missed = now <= due ? 0 : (now - due) / period;
  return due + (missed + 1) * period;
}

Prober::Prober(proc::ContainerClient& containers, HttpProber http, Report report)
    : containers_(containers), http_(std::move(http)), report_(std::move(report)) {}

Prober::~Prober() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void Prober::start(const std::vector<Probe>& probes) {
  if (probes.empty()) return;
  std::lock_guard lock(mutex_);
  SteadyTime now = SystemClock().steady();
  for (const Probe& probe : probes) {
    if (probe.kind == ProbeKind::startup) starting_[probe.container_id] = true;
    auto entry = std::make_shared<Entry>(Entry{probe, {}, false});
    live_.emplace(probe.container_id, entry);
    due_.emplace(now + std::max(probe.initial_delay, settle_time), std::move(entry));
  }
  keep_one_free();
  changed_.notify_all();
}

void Prober::stop(const std::string& container_id) {
  std::lock_guard lock(mutex_);
  starting_.erase(container_id);
  // An entry that is being run right now is not in due_: its mark keeps it from coming back.
  auto [first, last] = live_.equal_range(container_id);
  for (auto it = first; it != last; ++it) it->second->stopped = true;
  live_.erase(first, last);
  std::erase_if(due_, [](const auto& item) { return item.second->stopped; });
}

void Prober::keep_one_free() {
  if (busy_ < threads_.size() || threads_.size() >= most_threads) return;
  threads_.push_back(start_thread(
      "prober", end_process, [this] { work(); }, Log("agent/prober")));
}

bool Prober::held_back(const Entry& entry) const {
  return entry.probe.kind != ProbeKind::startup && starting_.contains(entry.probe.container_id);
}

void Prober::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      changed_.wait(lock);
      continue;
    }
    auto first = due_.begin();
    if (first->first > SystemClock().steady()) {
      changed_.wait_until(lock, first->first);
      continue;
    }
    const SteadyTime due = first->first;
    auto entry = first->second;
    due_.erase(first);
    if (held_back(*entry)) {
      due_.emplace(SystemClock().steady() + Millis(200), entry);
      continue;
    }
    ++busy_;
    keep_one_free();
    lock.unlock();
    Result<void> result = run_probe(entry->probe, containers_, http_);
    finish(entry, result);
    lock.lock();
    --busy_;
    bool passed_startup = entry->probe.kind == ProbeKind::startup && result.ok();
    if (passed_startup) starting_.erase(entry->probe.container_id);
    if (!entry->stopped && !passed_startup) {
      due_.emplace(next_tick(due, entry->probe.period, SystemClock().steady()), entry);
      changed_.notify_one();
    }
  }
}

void Prober::finish(const std::shared_ptr<Entry>& entry, const Result<void>& result) {
  const Probe& probe = entry->probe;
  auto decided = entry->counter.add(probe, result.ok());
  if (!decided && result.ok()) return;
  const bool errored = !result.ok() && (result.error().code() == ErrorCode::invalid ||
                                        result.error().code() == ErrorCode::unsupported);
  ProbeVerdict verdict{probe.pod_uid, probe.container, probe.container_id,
                       probe.kind,    result.ok(),     result.ok() ? "" : result.error().message(),
                       !result.ok(),  errored,         decided.has_value()};
  if (decided) verdict.success = *decided;
  report_(verdict);
}

}  // namespace hoplab::agent
