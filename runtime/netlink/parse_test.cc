#include "runtime/netlink/parse.h"

#include <gmock/gmock.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/netlink/messages.h"

namespace hoplab {
namespace {

using testing::ElementsAre;

// A message under construction: fixed part, attributes, raw bytes.
class Bytes {
 public:
  Bytes(int type, int flags) {
    nlmsghdr header{};
    header.nlmsg_type = static_cast<uint16_t>(type);
    header.nlmsg_flags = static_cast<uint16_t>(flags);
    add(header);
  }
  template <typename T>
  Bytes& add(const T& value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    return *this;
  }
  template <typename T>
  Bytes& attribute(int type, const T& value) {
    add(nlattr{static_cast<uint16_t>(NLA_HDRLEN + sizeof value), static_cast<uint16_t>(type)});
    return add(value);
  }
  const nlmsghdr& message() {
    auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data());
    header->nlmsg_len = static_cast<uint32_t>(bytes_.size());
    return *header;
  }

 private:
  MessageBytes bytes_;
};

std::string name_of(int32_t index) {
  return "if" + std::to_string(index);
}

TEST(ReadAck, ErrnoAndTheKernelsWords) {
  nlmsgerr refused{};
  refused.error = -ENETUNREACH;
  refused.msg.nlmsg_len = 500;  // The request itself is left out: NLM_F_CAPPED.
  Bytes capped(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
  capped.add(refused).attribute(NLMSGERR_ATTR_MSG, std::array{'N', 'o', '\0', '\0'});
  EXPECT_EQ(read_ack(capped.message()).sys_errno, ENETUNREACH);
  EXPECT_EQ(read_ack(capped.message()).message, "No");

  refused.msg.nlmsg_len = NLMSG_HDRLEN + 8;
  Bytes whole(NLMSG_ERROR, NLM_F_ACK_TLVS);
  whole.add(refused).add(uint64_t{7}).attribute(NLMSGERR_ATTR_MSG, std::array{'N', 'o', '\0'});
  EXPECT_EQ(read_ack(whole.message()).message, "No");

  Bytes done(NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS);
  done.add(-EINVAL).attribute(NLMSGERR_ATTR_MSG, std::array{'x', '\0'});
  EXPECT_EQ(read_ack(done.message()).sys_errno, EINVAL);
  EXPECT_EQ(read_ack(done.message()).message, "x");
}

TEST(ReadAck, NoErrnoAtAll) {
  EXPECT_EQ(read_ack(Bytes(NLMSG_ERROR, 0).message()).sys_errno, EBADMSG);
  for (int impossible : {INT_MIN, -65536, 1, INT_MAX}) {
    nlmsgerr error{};
    error.error = impossible;
    EXPECT_EQ(read_ack(Bytes(NLMSG_ERROR, 0).add(error).message()).sys_errno, EBADMSG);
  }
}

TEST(ParseRoutes, OneValuePerNextHop) {
  rtmsg info{};
  info.rtm_family = AF_INET;
  info.rtm_dst_len = 24;
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = route_protocol::bird;
  info.rtm_type = RTN_UNICAST;
  struct Hop {
    rtnexthop hop;
    nlattr gateway;
    uint32_t address;
  };
  const auto hop = [](int index, uint8_t flags, Ipv4 gateway) {
    return Hop{{sizeof(Hop), flags, 0, index}, {8, RTA_GATEWAY}, gateway.network_order()};
  };
  Bytes bytes(RTM_NEWROUTE, 0);
  bytes.add(info).attribute(RTA_DST, Ipv4(10, 1, 2, 0).network_order());
  bytes.attribute(RTA_MULTIPATH, std::array{hop(2, 0, Ipv4(10, 0, 0, 1)),
                                            hop(3, RTNH_F_ONLINK, Ipv4(10, 0, 0, 2))});
  std::vector<std::string> lines;
  const auto routes = parse_routes(bytes.message(), name_of);
  for (const Route& route : routes) lines.push_back(to_string(route));
  EXPECT_THAT(lines, ElementsAre("10.1.2.0/24 via 10.0.0.1 dev if2 proto bird",
                                 "10.1.2.0/24 via 10.0.0.2 dev if3 proto bird onlink"));
}

TEST(ParseLink, APortsPlaceInItsBridgeIsNotALink) {
  for (int family : {AF_UNSPEC, AF_BRIDGE}) {
    ifinfomsg info{};
    info.ifi_family = static_cast<unsigned char>(family);
    Bytes bytes(RTM_DELLINK, 0);
    bytes.add(info).attribute(IFLA_IFNAME, std::array{'a', '\0'});
    EXPECT_EQ(parse_link(bytes.message(), name_of).has_value(), family == AF_UNSPEC);
  }
}

TEST(Parse, ShortMessagesAreSkipped) {
  Bytes empty(RTM_NEWLINK, 0);
  EXPECT_FALSE(parse_link(empty.message(), name_of));
  EXPECT_FALSE(parse_address(empty.message(), name_of));
  EXPECT_THAT(parse_routes(empty.message(), name_of), testing::IsEmpty());
  EXPECT_FALSE(parse_neighbor(empty.message(), name_of));
  EXPECT_FALSE(parse_conntrack(empty.message()));
}

}  // namespace
}  // namespace hoplab
