#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/agent/probe.h"

namespace hoplab::agent {

/// What a probe's results mean for its container, once a threshold is reached.
struct ProbeVerdict {
  std::string pod_uid;
  std::string container;
  std::string container_id;
  ProbeKind kind = ProbeKind::readiness;
  bool success = false;
  std::string message;   ///< Of the failed attempt.
  bool failed = false;   ///< This attempt; a command that failed may have said nothing.
  bool errored = false;  ///< The probe itself could not be carried out, as its port has no name.
  bool decided = false;  ///< False: one failed attempt below the threshold, only worth an event.
};

/// Counts the results of one probe against its thresholds. Pure.
class ProbeCounter {
 public:
  /// The verdict of one more result; nullopt while nothing new is known.
  std::optional<bool> add(const Probe& probe, bool success);

 private:
  int successes_ = 0;
  int failures_ = 0;
  std::optional<bool> state_;
};

/// When a probe that was due at `due` runs again: every period from its first run on, however long
/// an answer takes; what is past by then is left out, as Go's ticker does. Pure.
SteadyTime next_tick(SteadyTime due, Millis period, SteadyTime now);

/// Runs the probes of this node's containers, each at its time, on as many threads as have to wait
/// for an answer at once, and one. Liveness and readiness wait until the startup probe has passed.
/// Thread-safe.
class Prober {
 public:
  using Report = std::function<void(const ProbeVerdict&)>;

  /// `report` is called from the prober's threads.
  Prober(proc::ContainerClient& containers, HttpProber http, Report report);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  ~Prober();

  void start(const std::vector<Probe>& probes);
  /// Ends the probes of one run of a container.
  void stop(const std::string& container_id);

 private:
  struct Entry {
    Probe probe;
    ProbeCounter counter;
    bool stopped = false;
  };
  using Due = std::multimap<SteadyTime, std::shared_ptr<Entry>>;

  void work();
  void finish(const std::shared_ptr<Entry>& entry, const Result<void>& result);
  [[nodiscard]] bool held_back(const Entry& entry) const;
  /// Under the lock: one more thread when all are busy.
  void keep_one_free();

  proc::ContainerClient& containers_;
  HttpProber http_;
  Report report_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Due due_;
  std::multimap<std::string, std::shared_ptr<Entry>> live_;  ///< By container id.
  std::map<std::string, bool> starting_;  ///< Container ids whose startup probe has not passed.
  bool stopping_ = false;
  size_t busy_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace hoplab::agent
