#pragma once

#include <optional>
#include <string>

#include "cmd/sandbox_spec.h"
#include "runtime/base/clock.h"
#include "runtime/proc/sandbox_control.h"
#include "runtime/proc/sandbox_create.h"
#include "runtime/proc/sandbox_state.h"

namespace hoplab::cmd {

/// Blocks SIGINT, SIGTERM and SIGHUP and returns a descriptor that is readable when one came. To be
/// called before anything is made that would have to be removed.
Result<Fd> catch_interrupts();

/// The making of one sandbox. Until keep() everything goes again when this is destroyed: the
/// processes, and the files in the cluster's folder. One thread, of a process that has one.
class UpSandbox {
 public:
  /// Holds `folder` for as long as it lives. `signals` is from catch_interrupts().
  UpSandbox(proc::ClusterFolder folder, Fd signals);
  UpSandbox(const UpSandbox&) = delete;
  UpSandbox& operator=(const UpSandbox&) = delete;
  ~UpSandbox();

  /// Opens the listeners, makes the sandbox and has it built. Prints the operations when the spec
  /// is verbose. Fails early, with what was interrupted, on SIGINT, SIGTERM and SIGHUP.
  Result<void> build(SandboxSpec spec);
  /// Waits until `fd` is readable; false when the time is up. Fails at once on a signal or when
  /// the sandbox ends.
  Result<bool> wait_readable(int fd, Millis time);
  /// From here on the sandbox stays.
  Result<void> keep();

  /// Removes everything now; what the destructor does without keep().
  void abandon();

  [[nodiscard]] uint16_t api_port() const { return state_.api_port; }
  [[nodiscard]] const proc::ClusterFolder& folder() const { return folder_; }

 private:
  Result<std::vector<Fd>> open_listeners(const SandboxSpec& spec);
  Result<void> check_signals(short revents);
  Result<bool> hear();
  [[nodiscard]] Error sandbox_ended() const;

  proc::ClusterFolder folder_;
  proc::SandboxState state_;
  std::optional<proc::NewSandbox> sandbox_;
  Fd signals_;
  bool kept_ = false;
  bool gone_ = false;
};

}  // namespace hoplab::cmd
