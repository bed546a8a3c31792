#include "runtime/netlink/traffic_control.h"

#include <linux/rtnetlink.h>

#include "runtime/base/text.h"
#include "runtime/netlink/traffic_messages.h"

namespace hoplab {
namespace {

constexpr int attempts = 20;

template <typename Value, typename Parse>
Result<std::vector<Value>> collect(NetlinkSocket& socket, MessageBytes&& request, int type,
                                   Parse&& parse) {
  const LinkNames names = [&](int32_t index) { return socket.link_name(index); };
  for (int attempt = 1;; ++attempt) {
    std::vector<Value> out;
    auto done = socket.dump(request, [&](std::span<const std::byte> datagram) {
      for_each_message(datagram, [&](const nlmsghdr& header) {
        if (header.nlmsg_type != type) return;
        if (auto value = parse(header, names)) out.push_back(std::move(*value));
      });
    });
    if (done) return out;
    if (done.error().code() != ErrorCode::conflict || attempt == attempts) {
      return std::move(done).error();
    }
  }
}

}  // namespace

Result<std::vector<BpfFilter>> dump_bpf_filters(NetlinkSocket& socket, const std::string& link,
                                                TrafficHook hook) {
  HOP_TRY(const int32_t index, socket.link_index(link));
  return collect<BpfFilter>(socket, build_filter_dump(index, hook), RTM_NEWTFILTER,
                            parse_bpf_filter)
      .context(str("listing the filters of ", link));
}

Result<std::vector<Qdisc>> dump_qdiscs(NetlinkSocket& socket) {
  return collect<Qdisc>(socket, build_qdisc_dump(), RTM_NEWQDISC, parse_qdisc)
      .context("listing queueing disciplines");
}

}  // namespace hoplab
