#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/nft/change.h"
#include "runtime/nft/render_batch.h"

namespace hoplab::nft {

/// A NETLINK_NETFILTER socket. It stays bound to the network namespace it was opened in, whatever
/// its thread does later. One thread at a time.
class NftSocket {
 public:
  /// In the calling thread's namespace.
  static Result<NftSocket> open();
  /// In the namespace behind the descriptor; the calling thread enters it and comes back.
  static Result<NftSocket> open_in(int netns_fd);

  /// Bytes that one send may carry, after asking the kernel for room for `wanted` bytes. Root gets
  /// what it asks for; others at most twice net.core.wmem_max (facts/kernel.md P1).
  size_t room_for(size_t wanted);
  /// Makes room_for() answer at most this, to make tests split.
  void limit_room(size_t bytes) { room_limit_ = bytes; }

  using MessageHandler = std::function<Result<void>(std::span<const std::byte> message)>;
  /// Sends a dump request and hands over every message of the answer. A dump that the kernel
  /// declares inconsistent fails with `conflict`: start again.
  Result<void> dump(const std::string& request, const MessageHandler& handler);

  /// Sends one whole batch (its edges and what is between) and collects the answers. `on_error`
  /// gets the sequence number and errno of every refused message. True when the acknowledgement
  /// arrived.
  Result<bool> send_batch(const std::array<std::string_view, 3>& pieces,
                          const std::function<void(uint32_t sequence, int error)>& on_error);

  /// The number the kernel gave an ipset.
  Result<uint16_t> set_index(const std::string& name);

  uint32_t next_sequence() { return ++sequence_; }

 private:
  explicit NftSocket(Fd netlink) : netlink_(std::move(netlink)) {}

  Fd netlink_;
  Fd ip_;  ///< Raw socket for ipset numbers; opened together with the netlink socket if allowed.
  uint32_t sequence_ = 0;
  size_t room_limit_ = SIZE_MAX;
};

struct CommitReport {
  size_t batches = 0;  ///< Committed.
  /// The change that the kernel refused, and why; unset after success. Batches before it stay.
  std::optional<Change> refused;
  std::optional<Error> error;
};

/// Applies the plan: as one transaction if the socket has room for it, else as several: first what
/// nobody refers to yet, then the rewiring, then the cleaning. The error names the rule.
CommitReport commit(NftSocket& socket, const ChangePlan& plan, const EncodeOptions& options);

}  // namespace hoplab::nft
