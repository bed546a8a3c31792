#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "runtime/agent/probe.h"

namespace hoplab::agent {

/// A postStart or preStop hook of one running container.
struct Hook {
  std::string pod_uid;
  std::string container;
  std::string container_id;
  Ipv4 pod_ip;
  Json action;  ///< exec, httpGet or tcpSocket.
  Json ports;
  Millis timeout{0};  ///< 0 = as long as it takes.
};

/// Runs hooks, each on a thread of its own while it lasts: a hook may take as long as the pod's
/// grace. Thread-safe.
class LifecycleHooks {
 public:
  /// Called on the hook's thread. Not called for hooks that the end of this object cuts off.
  using Done = std::function<void(const Result<void>& result, Millis took)>;

  LifecycleHooks(proc::ContainerClient& containers, HttpProber http);
  LifecycleHooks(const LifecycleHooks&) = delete;
  LifecycleHooks& operator=(const LifecycleHooks&) = delete;
  ~LifecycleHooks();

  void run(Hook hook, Done done);

 private:
  struct Running {
    std::jthread thread;
    bool over = false;
  };
  void sweep();

  proc::ContainerClient& containers_;
  HttpProber http_;
  std::mutex mutex_;
  std::list<Running> running_;
};

}  // namespace hoplab::agent
