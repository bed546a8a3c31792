#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/operation.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

/// What apply_operations() needs besides the operations.
struct ApplyContext {
  /// Descriptor of the namespace that `VethAdd::peer_netns` names; asked for each VethAdd that
  /// names one. The caller keeps the descriptor open until apply_operations() returns. Unset: such
  /// a VethAdd fails.
  std::function<Result<int>(const std::string& name)> peer_netns;
  /// Descriptor of the loaded program that a FilterReplace names. Unset: such an operation fails.
  std::function<Result<int>(const std::string& name)> program;
  /// Errnos that count as success, e.g. {EEXIST} when what is added may be there already. Nothing
  /// is compared: a tolerated EEXIST may hide a link of the same name and another kind.
  std::set<int> tolerated_on_add;
  /// E.g. `absent_errnos()` for a tear-down that may run twice.
  std::set<int> tolerated_on_delete;
  /// False: nothing more is sent after the first batch with a failure. True: every operation is
  /// tried (tear-down). Either way the kernel works through the rest of the batch it already has.
  bool keep_going = false;
};

/// {ENODEV, ENOENT, ESRCH, EADDRNOTAVAIL}: the ways of saying "it is not there" to a delete.
std::set<int> absent_errnos();

enum class OutcomeState {
  done,
  tolerated,  ///< The kernel refused with an errno that the context allows.
  failed,
  not_attempted,
};

struct Outcome {
  OutcomeState state = OutcomeState::not_attempted;
  std::optional<Error> error;  ///< Of `failed`: the command, the kernel's words, the errno.
};

/// What became of each operation, in the order given; complete also after a partial failure.
struct [[nodiscard]] ApplyReport {
  std::vector<Outcome> outcomes;

  [[nodiscard]] bool ok() const;
  /// The first failure; its message says how many others there were.
  [[nodiscard]] Result<void> status() const;
  [[nodiscard]] size_t count(OutcomeState state) const;
};

/// Applies the operations in order in the socket's namespace; `Operation::netns` is only printed.
///
/// Consecutive operations travel in one send (at most 100 messages or 32 kB), 25 times faster than
/// a process each (kernel.md P5). A batch ends early where an operation needs the index of a link
/// that the same batch makes, and around sysctls and offloads, which are no messages. Ending one
/// costs a few microseconds: order for the reader, not for the batches.
///
/// Errors name the operation by its command: "ip -n k8s-w1 route replace …: Nexthop has invalid
/// gateway.: Network is unreachable (ENETUNREACH)".
ApplyReport apply_operations(NetlinkSocket& socket, std::span<const Operation> operations,
                             const ApplyContext& context = {});

}  // namespace hoplab
