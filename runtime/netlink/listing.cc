#include "runtime/netlink/listing.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <set>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"
#include "runtime/netlink/attributes.h"
#include "runtime/netlink/collect.h"
#include "runtime/netlink/messages.h"

namespace hoplab {
namespace {

constexpr int attribute_types = 64;  // above FRA_MAX, RTA_MAX and IFA_MAX

enum class Look { address, number, link, text };
struct Name {
  int type = 0;
  std::string_view word;
  Look look = Look::number;
};

constexpr std::array rule_names{Name{FRA_DST, "to", Look::address},
                                Name{FRA_SRC, "from", Look::address},
                                Name{FRA_IIFNAME, "iif", Look::text},
                                Name{FRA_OIFNAME, "oif", Look::text},
                                Name{FRA_PRIORITY, "priority"},
                                Name{FRA_FWMARK, "fwmark"},
                                Name{FRA_FWMASK, "mask"},
                                Name{FRA_TABLE, "table"}};
constexpr std::array route_names{Name{RTA_DST, "to", Look::address},
                                 Name{RTA_SRC, "from", Look::address},
                                 Name{RTA_OIF, "dev", Look::link},
                                 Name{RTA_GATEWAY, "via", Look::address},
                                 Name{RTA_PRIORITY, "metric"},
                                 Name{RTA_PREFSRC, "src", Look::address},
                                 Name{RTA_TABLE, "table"}};

std::string hex(const void* data, size_t length) {
  return hex_text({static_cast<const std::byte*>(data), length});
}

std::string address_text(const Attributes& attributes, int type) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const size_t length = attributes.length(type);
  const int family = length == sizeof(in6_addr) ? AF_INET6 : AF_INET;
  if (length != sizeof(in6_addr) && length != sizeof(in_addr)) {
    return hex(attributes.data(type), length);
  }
  ::inet_ntop(family, attributes.data(type), text.data(), text.size());
  return text.data();
}

std::string value_text(const Attributes& attributes, const Name& name, const LinkNames& names) {
  switch (name.look) {
    case Look::address:
      return address_text(attributes, name.type);
    case Look::text:
      return attributes.string(name.type);
    case Look::number:
      return str(attributes.get<uint32_t>(name.type).value_or(0));
    case Look::link:
      break;
  }
  return names(attributes.get<int32_t>(name.type).value_or(0));
}

template <size_t N>
std::string attributes_text(const Attributes& attributes, const std::array<Name, N>& known,
                            const std::set<int>& left_out, const LinkNames& names) {
  std::string out;
  std::set<int> done = left_out;
  for (const Name& name : known) {
    if (!attributes.has(name.type) || !done.insert(name.type).second) continue;
    out += str(" ", name.word, " ", value_text(attributes, name, names));
  }
  for (int type = 1; type < attribute_types; ++type) {
    if (!attributes.has(type) || done.contains(type)) continue;
    out += str(" #", type, " ", hex(attributes.data(type), attributes.length(type)));
  }
  return out;
}

const char* family_word(int family) {
  return family == AF_INET6 ? "-6 " : "";
}

std::optional<std::string> rule_line(const nlmsghdr& message, const LinkNames& names) {
  const auto head = fixed_part<fib_rule_hdr>(message);
  if (!head) return std::nullopt;
  // Numbers instead of words where the fixed part says the same as `ip rule` in another way.
  return str("ip ", family_word(head->family), "rule action ", int{head->action}, " tos ",
             int{head->tos}, " prefixes ", int{head->src_len}, " ", int{head->dst_len}, " flags ",
             head->flags & static_cast<uint32_t>(FIB_RULE_INVERT),
             attributes_text(Attributes::of_message(message, sizeof *head), rule_names, {}, names));
}

std::optional<std::string> address_line(const nlmsghdr& message, const LinkNames& names) {
  const auto head = fixed_part<ifaddrmsg>(message);
  if (!head || head->ifa_family != AF_INET6) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *head);
  const uint32_t flags = attributes.get<uint32_t>(IFA_FLAGS).value_or(head->ifa_flags);
  if ((flags & static_cast<uint32_t>(IFA_F_PERMANENT)) == 0) return std::nullopt;
  return str("ip -6 address ", address_text(attributes, IFA_ADDRESS), "/", int{head->ifa_prefixlen},
             " dev ", names(static_cast<int32_t>(head->ifa_index)));
}

std::optional<std::string> route_line(const nlmsghdr& message, const LinkNames& names) {
  const auto head = fixed_part<rtmsg>(message);
  if (!head || head->rtm_family != AF_INET6) return std::nullopt;
  if (head->rtm_protocol == RTPROT_RA || (head->rtm_flags & unsigned{RTM_F_CLONED}) != 0) {
    return std::nullopt;
  }
  return str("ip -6 route type ", int{head->rtm_type}, " proto ", int{head->rtm_protocol},
             " prefixes ", int{head->rtm_src_len}, " ", int{head->rtm_dst_len},
             attributes_text(Attributes::of_message(message, sizeof *head), route_names,
                             {RTA_CACHEINFO}, names));
}

/// Every fixed part starts with the family; the kernel insists on the rest's size, and on zeros.
MessageBytes request_for(uint16_t type, uint8_t family) {
  struct {
    nlmsghdr header;
    rtmsg body;
  } request{};
  static_assert(sizeof(fib_rule_hdr) == sizeof(rtmsg));
  request.header.nlmsg_len =
      NLMSG_LENGTH(type == RTM_GETADDR ? sizeof(ifaddrmsg) : sizeof request.body);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.rtm_family = family;
  const auto* bytes = reinterpret_cast<const std::byte*>(&request);
  return {bytes, bytes + request.header.nlmsg_len};
}

}  // namespace

std::optional<std::string> listing_line(const nlmsghdr& message, const LinkNames& names) {
  switch (message.nlmsg_type) {
    case RTM_NEWRULE:
      return rule_line(message, names);
    case RTM_NEWADDR:
      return address_line(message, names);
    case RTM_NEWROUTE:
      return route_line(message, names);
    default:
      return std::nullopt;
  }
}

Result<std::vector<std::string>> list_rules_and_ipv6(NetlinkSocket& socket) {
  struct Question {
    uint16_t type = 0;
    int answer = 0;
    uint8_t family = 0;
    const char* what = "";
  };
  constexpr std::array questions{Question{RTM_GETRULE, RTM_NEWRULE, AF_INET, "IPv4 rules"},
                                 Question{RTM_GETRULE, RTM_NEWRULE, AF_INET6, "IPv6 rules"},
                                 Question{RTM_GETADDR, RTM_NEWADDR, AF_INET6, "IPv6 addresses"},
                                 Question{RTM_GETROUTE, RTM_NEWROUTE, AF_INET6, "IPv6 routes"}};
  std::vector<std::string> out;
  for (const Question& question : questions) {
    auto lines = collect<std::string>(
        socket, request_for(question.type, question.family), question.answer,
        [](const nlmsghdr& header, const LinkNames& names, std::vector<std::string>& all) {
          if (auto line = listing_line(header, names)) all.push_back(std::move(*line));
        });
    // A kernel without IPv6 or without policy routing has none.
    if (!lines &&
        (lines.error().sys_errno() == EOPNOTSUPP || lines.error().sys_errno() == EAFNOSUPPORT)) {
      continue;
    }
    if (!lines) return std::move(lines).error().context(str("listing ", question.what));
    out.insert(out.end(), lines->begin(), lines->end());
  }
  return out;
}

}  // namespace hoplab
