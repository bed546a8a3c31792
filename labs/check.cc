#include "labs/check.h"

#include <algorithm>
#include <array>

namespace hoplab::labs {

namespace {

using enum FieldType;
constexpr std::array<std::string_view, 5> link_kinds{"veth", "bridge", "vxlan", "ipip", "tun"};
constexpr std::array<std::string_view, 4> tables{"filter", "nat", "mangle", "raw"};
constexpr std::array<std::string_view, 2> policies{"ACCEPT", "DROP"};
constexpr std::array<std::string_view, 6> namespaces{"cgroup", "ipc", "mnt", "net", "pid", "uts"};
constexpr std::array<std::string_view, 4> answers{"reply", "silence", "host-unreachable",
                                                  "net-unreachable"};
constexpr std::array<std::string_view, 3> protocols{"tcp", "udp", "icmp"};

constexpr std::array netns_fields{
    FieldSpec{"name", text, true, "a namespace that `ip netns list` shows"}};
constexpr std::array link_fields{
    FieldSpec{"name", text, true, "the link's name"},
    FieldSpec{"kind", text, false, "what it is", link_kinds},
    FieldSpec{"up", boolean, false, "switched on, or off"},
    FieldSpec{"carrier", boolean, false, "the other end of the cable is on, too"},
    FieldSpec{"master", text, false, "the bridge it is a port of; \"\" for none"},
    FieldSpec{"mtu", number, false, "its MTU"},
};
constexpr std::array address_fields{
    FieldSpec{"link", text, true, "the link that has it"},
    FieldSpec{"is", prefix, true, "the address with its length: 11.11.11.2/24"},
};
constexpr std::array route_fields{
    FieldSpec{"to", destination, true, "default, or a network"},
    FieldSpec{"via", ipv4, false, "the gateway"},
    FieldSpec{"dev", text, false, "the link it leaves by"},
};
constexpr std::array neighbor_fields{
    FieldSpec{"ip", ipv4, true, "whose MAC address was asked for"},
    FieldSpec{"resolved", boolean, false, "true: the MAC is known; false: nobody answered"},
};
constexpr std::array rule_fields{
    FieldSpec{"table", text, true, "the iptables table", tables},
    FieldSpec{"chain", text, true, "the chain"},
    FieldSpec{"contains", texts, true, "parts of one line of iptables-save, each a run of words"},
};
constexpr std::array policy_fields{
    FieldSpec{"table", text, true, "the iptables table", tables},
    FieldSpec{"chain", text, true, "a built-in chain"},
    FieldSpec{"is", text, true, "what happens to packets that no rule took", policies},
};
constexpr std::array sysctl_fields{
    FieldSpec{"key", text, true, "below /proc/sys, with slashes: net/ipv4/ip_forward"},
    FieldSpec{"is", text, true, "its value"},
};
constexpr std::array process_fields{
    FieldSpec{"command", text, true, "the whole command line"},
    FieldSpec{"own", texts, false, "namespaces it does not share with the host", namespaces},
    FieldSpec{"shares", texts, false, "namespaces it shares with the host", namespaces},
};
constexpr std::array hostname_fields{FieldSpec{"is", text, true, "the host name seen there"}};
constexpr std::array conntrack_fields{
    FieldSpec{"protocol", text, true, "tcp, udp or icmp", protocols},
    FieldSpec{"from", ipv4, true, "who began"},
    FieldSpec{"to", ipv4, true, "whom it addressed"},
    FieldSpec{"port", number, false, "the port it addressed"},
    FieldSpec{"answers_go_to", ipv4, false, "where the answers are sent: tells what SNAT did"},
};
constexpr std::array ping_fields{
    FieldSpec{"to", ipv4, true, "the address"},
    FieldSpec{"answer", text, true, "what comes back", answers},
};
constexpr std::array http_fields{
    FieldSpec{"to", ipv4, true, "the server's address"},
    FieldSpec{"port", number, false, "its port; 80"},
    FieldSpec{"contains", text, false, "a part of the page"},
};
constexpr std::array dns_fields{
    FieldSpec{"server", ipv4, true, "the server's address"},
    FieldSpec{"name", text, true, "the name that is asked for"},
    FieldSpec{"is", ipv4, false, "an address among the answers"},
};
constexpr std::array object_fields{
    FieldSpec{"kind", text, true, "as for kubectl get: pod, service, deployments.apps"},
    FieldSpec{"name", text, true, "the object's name"},
    FieldSpec{"namespace", text, false, "its namespace; default"},
    FieldSpec{"path", text, false, "a field with dots: status.phase"},
    FieldSpec{"is", text, false, "the field's value"},
};

constexpr std::array kinds{
    KindSpec{CheckKind::netns, "netns", "a named network namespace", netns_fields, false},
    KindSpec{CheckKind::link, "link", "a network interface", link_fields},
    KindSpec{CheckKind::address, "address", "an IPv4 address of a link", address_fields},
    KindSpec{CheckKind::route, "route", "a route of the main table", route_fields},
    KindSpec{CheckKind::neighbor, "neighbor", "an entry of the ARP table", neighbor_fields},
    KindSpec{CheckKind::rule, "rule", "an iptables rule", rule_fields},
    KindSpec{CheckKind::policy, "policy", "the policy of a built-in chain", policy_fields, true,
             false},
    KindSpec{CheckKind::sysctl, "sysctl", "a kernel parameter", sysctl_fields, true, false},
    KindSpec{CheckKind::process, "process", "a process on the host", process_fields, false},
    KindSpec{CheckKind::hostname, "hostname", "the host name a process sees", hostname_fields, true,
             false},
    KindSpec{CheckKind::conntrack, "conntrack", "a tracked connection", conntrack_fields},
    KindSpec{CheckKind::ping, "ping", "one echo request", ping_fields, true, false, true},
    KindSpec{CheckKind::http, "http", "one GET /", http_fields, true, false, true},
    KindSpec{CheckKind::dns, "dns", "one question for a name's address", dns_fields, true, false,
             true},
    KindSpec{CheckKind::object, "object", "an object of the API", object_fields, false},
};

constexpr std::array common{
    FieldSpec{"netns", text, false, "in this named namespace instead of on the host"},
    FieldSpec{"of", text, false, "in the namespaces of the process with this command line"},
    FieldSpec{"absent", boolean, false, "true: it must not be there"},
    FieldSpec{"until", text, false, "the later step that undoes it; else it holds to the end"},
    FieldSpec{"within", number, false, "seconds that `check` waits for it, 1 to 30; 1"},
};

}  // namespace

std::span<const KindSpec> check_kinds() {
  return kinds;
}

const KindSpec* find_kind(std::string_view name) {
  const auto* it = std::find_if(kinds.begin(), kinds.end(),
                                [name](const KindSpec& each) { return each.name == name; });
  return it == kinds.end() ? nullptr : it;
}

const KindSpec& spec_of(CheckKind kind) {
  return *std::find_if(kinds.begin(), kinds.end(),
                       [kind](const KindSpec& each) { return each.kind == kind; });
}

std::span<const FieldSpec> common_fields() {
  return common;
}

}  // namespace hoplab::labs
