#pragma once

#include <string>
#include <vector>

#include "runtime/model/ruleset.h"

/// For tests: at least one rule for every match and target, with the line that iptables-save
/// 1.8.9 printed for it after `iptables -A` had made it on a real kernel.
namespace hoplab::nft {

struct SampleRule {
  std::string table;
  std::string chain;
  Rule rule;
  std::string line;
};

inline Rule sample(std::vector<Match> matches, Target target, uint8_t proto = 0) {
  Rule rule;
  if (proto != 0) rule.protocol = ProtocolMatch{proto, false};
  rule.matches = std::move(matches);
  rule.target = std::move(target);
  return rule;
}

inline Rule sample_with_all_of_the_fixed_part() {
  Rule rule = sample({CommentMatch{"hello"}, PortMatch{{}, PortTest{PortRange::one(80), false}}},
                     Jump{"Y"}, protocol::tcp);
  rule.source = AddressMatch{Prefix(Ipv4(10, 0, 0, 0), 8), false};
  rule.destination = AddressMatch{Prefix::host(Ipv4(10, 96, 0, 9)), true};
  rule.in = InterfaceMatch{"cali+", false};
  rule.out = InterfaceMatch{"eth0", true};
  return rule;
}

inline Rule sample_from(Prefix prefix, bool negated, Target target) {
  Rule rule = sample({}, std::move(target));
  rule.source = AddressMatch{prefix, negated};
  return rule;
}

inline Rule sample_not_protocol(uint8_t number) {
  Rule rule = sample({}, Drop{});
  rule.protocol = ProtocolMatch{number, true};
  return rule;
}

inline std::vector<SampleRule> sample_nat_rules() {
  return {
      {"nat", "X", sample_with_all_of_the_fixed_part(),
       "-A X -s 10.0.0.0/8 ! -d 10.96.0.9/32 -i cali+ ! -o eth0 -p tcp -m comment --comment hello "
       "-m tcp --dport 80 -j Y"},
      {"nat", "X",
       sample({CommentMatch{"default/web:http"}, PortMatch{}}, Dnat{Ipv4(1, 2, 3, 4), 80},
              protocol::tcp),
       "-A X -p tcp -m comment --comment \"default/web:http\" -m tcp -j DNAT --to-destination "
       "1.2.3.4:80"},
      {"nat", "X", sample({}, Dnat{Ipv4(1, 2, 3, 4), 0}), "-A X -j DNAT --to-destination 1.2.3.4"},
      {"nat", "X",
       sample({CommentMatch{"default/web"}, RecentMatch{"KUBE-SEP-y", false, 10800, true}},
              Jump{"Y"}),
       "-A X -m comment --comment \"default/web\" -m recent --rcheck --seconds 10800 --reap --name "
       "KUBE-SEP-y --mask 255.255.255.255 --rsource -j Y"},
      {"nat", "X",
       sample({CommentMatch{"default/web"}, RecentMatch{"KUBE-SEP-y", true, 0, false}, PortMatch{}},
              Dnat{Ipv4(1, 2, 3, 4), 80}, protocol::udp),
       "-A X -p udp -m comment --comment \"default/web\" -m recent --set --name KUBE-SEP-y --mask "
       "255.255.255.255 --rsource -m udp -j DNAT --to-destination 1.2.3.4:80"},
      {"nat", "X", sample({}, Masquerade{true}), "-A X -j MASQUERADE --random-fully"},
      {"nat", "X", sample({}, Masquerade{false}), "-A X -j MASQUERADE"},
      {"nat", "X", sample({RandomMatch::one_in(3)}, Goto{"Y"}),
       "-A X -m statistic --mode random --probability 0.33333333349 -g Y"},
      {"nat", "X", sample({CommentMatch{"default/web"}}, Jump{"Y"}),
       "-A X -m comment --comment \"default/web\" -j Y"},
      {"nat", "X", sample({CommentMatch{"last of two"}, CommentMatch{"comments"}}, NoTarget{}),
       "-A X -m comment --comment \"last of two\" -m comment --comment comments"},
      {"nat", "X",
       sample({LocalAddressMatch{true, true, true}, LocalAddressMatch{true, false, false}},
              Return{}),
       "-A X -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j "
       "RETURN"},
      {"nat", "X", sample({LocalAddressMatch{false, false, false}}, Jump{"Y"}),
       "-A X -m addrtype --dst-type LOCAL -j Y"},
      {"nat", "X", sample({MarkMatch{0x4000, 0x4000, true}}, Return{}),
       "-A X -m mark ! --mark 0x4000/0x4000 -j RETURN"},
      {"nat", "X", sample({}, SetMark{0x4000, 0x0}), "-A X -j MARK --set-xmark 0x4000/0x0"},
  };
}

inline std::vector<SampleRule> sample_filter_rules() {
  const PortTest some{PortRange{1000, 2000}, false};
  const PortTest not_dns{PortRange::one(53), true};
  using namespace conntrack_state;  // NOLINT: a table of samples reads better so
  return {
      {"filter", "X", sample({}, Reject{false}),
       "-A X -j REJECT --reject-with icmp-port-unreachable"},
      {"filter", "X", sample({}, Reject{true}, protocol::tcp),
       "-A X -p tcp -j REJECT --reject-with tcp-reset"},
      {"filter", "X", sample({}, LogTarget{"calico-packet: ", 5}),
       "-A X -j LOG --log-prefix \"calico-packet: \" --log-level 5"},
      {"filter", "X", sample({MarkMatch{0x10, 0xffffffff, false}}, Accept{}),
       "-A X -m mark --mark 0x10 -j ACCEPT"},
      {"filter", "X", sample({IcmpMatch{8, {}}}, Accept{}, protocol::icmp),
       "-A X -p icmp -m icmp --icmp-type 8 -j ACCEPT"},
      {"filter", "X", sample({IcmpMatch{3, 4}}, Accept{}, protocol::icmp),
       "-A X -p icmp -m icmp --icmp-type 3/4 -j ACCEPT"},
      {"filter", "X", sample({}, Drop{}, protocol::ipip), "-A X -p ipencap -j DROP"},
      {"filter", "X", sample_not_protocol(protocol::tcp), "-A X ! -p tcp -j DROP"},
      {"filter", "X", sample({PortMatch{some, not_dns}}, Drop{}, protocol::udp),
       "-A X -p udp -m udp --sport 1000:2000 ! --dport 53 -j DROP"},
      {"filter", "X", sample({StateMatch{related | established | dnat, true}}, Drop{}),
       "-A X -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"},
      {"filter", "X", sample({StateMatch{invalid, false}}, Drop{}),
       "-A X -m conntrack --ctstate INVALID -j DROP"},
      {"filter", "X", sample_from(Prefix(Ipv4(172, 16, 0, 0), 12), false, SetMark{0x4000, 0x4000}),
       "-A X -s 172.16.0.0/12 -j MARK --set-xmark 0x4000/0x4000"},
      {"filter", "X", sample_from(Prefix(Ipv4(172, 16, 34, 0), 24), true, Accept{}),
       "-A X ! -s 172.16.34.0/24 -j ACCEPT"},
      {"filter", "X", sample_from(Prefix(Ipv4(), 0), false, Accept{}), "-A X -j ACCEPT"},
      {"filter", "X",
       sample({MultiportMatch{false, {PortRange::one(80), PortRange{1000, 2000}}, false}}, Accept{},
              protocol::tcp),
       "-A X -p tcp -m multiport --dports 80,1000:2000 -j ACCEPT"},
      {"raw", "PREROUTING", sample({ReversePathMatch{true, true}}, Drop{}),
       "-A PREROUTING -m rpfilter --validmark --invert -j DROP"},
      {"raw", "PREROUTING", sample({}, Trace{}), "-A PREROUTING -j TRACE"},
  };
}

inline std::vector<SampleRule> sample_rules() {
  std::vector<SampleRule> all = sample_nat_rules();
  std::vector<SampleRule> filter = sample_filter_rules();
  for (SampleRule& rule : filter) all.push_back(std::move(rule));
  return all;
}

}  // namespace hoplab::nft
