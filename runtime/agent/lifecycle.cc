#include "runtime/agent/lifecycle.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace hoplab::agent {

namespace {

constexpr Millis longest_command{600'000};
constexpr Millis longest_request{30'000};
/// Between looks whether the agent ends.
constexpr Millis step{200};

Result<void> run_command(const Hook& hook, proc::ContainerClient& containers, Millis limit,
                         const std::stop_token& stop) {
  proc::ExecSpec spec;
  spec.container_id = hook.container_id;
  spec.end_with_client = true;
  for (const Json& word : member(member(hook.action, "exec"), "command")) {
    spec.command.push_back(word);
  }
  HOP_TRY(auto session, containers.exec(spec));
  SteadyTime end = SystemClock().steady() + limit;
  for (;;) {
    HOP_TRY(auto status, session.wait(step));
    if (status && status->exit_code == 0) return {};
    if (status) return failed_command(session, *status);
    if (stop.stop_requested()) return Error(ErrorCode::unavailable, "the agent ends");
    if (SystemClock().steady() >= end) return Error(ErrorCode::timed_out, "it did not end in time");
  }
}

Result<void> carry_out(const Hook& hook, proc::ContainerClient& containers, const HttpProber& http,
                       const std::stop_token& stop) {
  bool command = !member(hook.action, "exec").is_null();
  Millis limit = command ? longest_command : longest_request;
  if (hook.timeout.count() > 0) limit = std::min(limit, hook.timeout);
  if (command) return run_command(hook, containers, limit, stop);
  Probe probe;
  probe.container_id = hook.container_id;
  probe.pod_ip = hook.pod_ip;
  probe.action = hook.action;
  probe.ports = hook.ports;
  probe.timeout = limit;
  return run_probe(probe, containers, http);
}

/// A hook that throws has failed like any other: its container must not wait for it for ever.
Result<void> carry_out_guarded(const Hook& hook, proc::ContainerClient& containers,
                               const HttpProber& http, const std::stop_token& stop) {
  try {
    return carry_out(hook, containers, http, stop);
  } catch (const std::exception& e) {
    return Error(ErrorCode::internal, str("internal error: ", e.what()));
  }
}

}  // namespace

LifecycleHooks::LifecycleHooks(proc::ContainerClient& containers, HttpProber http)
    : containers_(containers), http_(std::move(http)) {}

LifecycleHooks::~LifecycleHooks() {
  std::list<Running> running;
  {
    std::lock_guard lock(mutex_);
    running.swap(running_);
  }
  for (Running& each : running) each.thread.request_stop();
}

void LifecycleHooks::sweep() {
  running_.remove_if([](const Running& each) { return each.over; });
}

void LifecycleHooks::run(Hook hook, Done done) {
  std::lock_guard lock(mutex_);
  sweep();
  Running& entry = running_.emplace_back();
  entry.thread = start_thread(
      "lifecycle-hook", end_process,
      [this, &entry, hook = std::move(hook), done = std::move(done)](const std::stop_token& stop) {
        SteadyTime begin = SystemClock().steady();
        Result<void> result = carry_out_guarded(hook, containers_, http_, stop);
        if (stop.stop_requested()) return;
        done(result, std::chrono::duration_cast<Millis>(SystemClock().steady() - begin));
        std::lock_guard over(mutex_);
        entry.over = true;
      },
      Log("agent/lifecycle"));
}

}  // namespace hoplab::agent
