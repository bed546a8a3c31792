#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/proc/container_client.h"
#include "runtime/proc/node_init_config.h"

namespace hoplab::test {

/// What a command inside a container did.
struct Output {
  std::string out;
  std::string err;
  proc::ExitStatus status;
};

/// Each test with a node-init of its own: pid 1 of fresh pid, mount, net, uts and ipc namespaces
/// with hostname "node". Killed at the end, as a power cut would.
class NodeTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Where the node looks for loaded images; nothing is there.
  [[nodiscard]] std::string image_folder() const { return directory_ + "/images"; }
  /// Starts node-init with further services; SetUp() does it with none.
  void start_node(const std::vector<proc::ServiceSpec>& services);
  void stop_node();

  [[nodiscard]] proc::ContainerClient& client() { return *client_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] pid_t node_pid() const { return pid_; }
  /// A client of its own, as a restarted agent has.
  [[nodiscard]] std::unique_ptr<proc::ContainerClient> connect() const;

  proc::RunningSandbox sandbox(const std::string& id);
  /// A container of the image busybox that runs `command`, with a log; not started.
  [[nodiscard]] proc::ContainerSpec container(const std::string& id, const std::string& sandbox,
                                              std::vector<std::string> command) const;
  proc::ContainerStatus start(const proc::ContainerSpec& spec);
  /// Sandbox "p" and container "c" that sleeps: something to exec in.
  void start_sleeper(const std::function<void(proc::ContainerSpec&)>& change = {});
  Output exec(const std::vector<std::string>& command, const std::string& container = "c");
  /// `sh -c script` in container "c"; standard output without the last newline.
  std::string sh(const std::string& script);
  /// Waits until the container has exited.
  proc::ContainerStatus wait_exit(const std::string& id, Millis limit = Millis(60'000));
  std::string log_of(const std::string& id);

 private:
  std::string directory_;
  pid_t pid_ = 0;
  std::unique_ptr<proc::ContainerClient> client_;
};

/// Reads a session to its end.
Output finish(proc::StreamSession& session);

}  // namespace hoplab::test
