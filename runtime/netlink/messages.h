#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/operation.h"

// Inside runtime/netlink only: requests as bytes. Pure; no socket is involved.

namespace hoplab {

using MessageBytes = std::vector<std::byte>;

/// Calls `visit(nlmsghdr&)` for every whole message in the bytes (4-byte aligned), and stops at the
/// first one whose length does not fit.
template <typename Byte, typename Visit>
void for_each_message(std::span<Byte> bytes, Visit&& visit) {
  using Header = std::conditional_t<std::is_const_v<Byte>, const nlmsghdr, nlmsghdr>;
  while (bytes.size() >= sizeof(nlmsghdr)) {
    auto* header = reinterpret_cast<Header*>(bytes.data());
    const size_t length = header->nlmsg_len;
    if (length < sizeof(nlmsghdr) || length > bytes.size()) return;
    visit(*header);
    bytes = bytes.subspan(std::min(bytes.size(), static_cast<size_t>(NLMSG_ALIGN(length))));
  }
}

/// What a message needs to know beyond the operation.
struct MessageInputs {
  /// Index of a link by name.
  std::function<Result<int32_t>(const std::string& name)> link_index;
  /// Descriptor of the namespace of a veth's peer; asked when VethAdd names one.
  std::function<Result<int>(const std::string& name)> peer_netns;
  /// Descriptor of a loaded program; asked when FilterReplace names one.
  std::function<Result<int>(const std::string& name)> program;
};

/// Names of links whose index the action's message carries, so that they must exist before it is
/// built. Links that are only named in the message (set, delete) are not among them.
std::vector<std::string> links_needed(const Action& action);
/// Names of links that the action makes or removes in the namespace it acts in.
std::vector<std::string> links_changed(const Action& action);

/// The rtnetlink request for any action but SysctlSet and OffloadSet, with NLM_F_ACK and sequence
/// number 0.
Result<MessageBytes> build_message(const Action& action, const MessageInputs& inputs);

enum class DumpKind { links, addresses, main_routes, all_routes, neighbors, proxy_neighbors };
MessageBytes build_dump(DumpKind kind);

}  // namespace hoplab
