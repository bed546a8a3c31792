#pragma once

#include <linux/netlink.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/netlink/messages.h"
#include "runtime/netlink/parse.h"
#include "runtime/netlink/socket.h"

/// Private to runtime/netlink.
namespace hoplab {

/// Runs a dump until it is not disturbed by a change. `take(header, names, out)` adds what it makes
/// of a message of this type to `out`; `names` asks the kernel for each link's name once.
template <typename Value, typename Take>
Result<std::vector<Value>> collect(NetlinkSocket& socket, MessageBytes&& request, int type,
                                   Take&& take) {
  constexpr int attempts = 20;
  std::map<int32_t, std::string> known;
  const LinkNames names = [&](int32_t index) {
    auto [at, fresh] = known.try_emplace(index);
    if (fresh) at->second = socket.link_name(index);
    return at->second;
  };
  for (int attempt = 1;; ++attempt) {
    std::vector<Value> out;
    auto done = socket.dump(request, [&](std::span<const std::byte> datagram) {
      for_each_message(datagram, [&](const nlmsghdr& header) {
        if (header.nlmsg_type == type) take(header, names, out);
      });
    });
    if (done) return out;
    if (done.error().code() != ErrorCode::conflict || attempt == attempts) {
      return std::move(done).error();
    }
    known.clear();
  }
}

}  // namespace hoplab
