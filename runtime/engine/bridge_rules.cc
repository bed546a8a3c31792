#include "runtime/engine/bridge_rules.h"

namespace hoplab::engine {

namespace {

Rule jump(const char* chain, Placement placement = Placement::bottom) {
  Rule rule;
  rule.target = Jump{chain};
  rule.placement = placement;
  return rule;
}

Rule returning() {
  Rule rule;
  rule.target = Return{};
  return rule;
}

Rule to_local(const char* chain) {
  Rule rule = jump(chain);
  rule.matches = {LocalAddressMatch{false, false, false}};
  return rule;
}

void add_base(Ruleset& rules) {
  rules.chain("nat", "PREROUTING").rules = {to_local("DOCKER")};
  Rule output = to_local("DOCKER");
  output.destination = AddressMatch{Prefix(Ipv4(127, 0, 0, 0), 8), true};
  rules.chain("nat", "OUTPUT").rules = {output};
  rules.chain("nat", "POSTROUTING");
  rules.chain("nat", "DOCKER");
  rules.chain("filter", "FORWARD").rules = {jump("DOCKER-USER", Placement::top),
                                            jump("DOCKER-ISOLATION-STAGE-1", Placement::top)};
  for (const char* chain :
       {"DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-USER"}) {
    rules.chain("filter", chain);
  }
}

void add_forward(Ruleset& rules, const Network& network) {
  const InterfaceMatch bridge{network.bridge, false};
  const InterfaceMatch elsewhere{network.bridge, true};
  auto& forward = rules.chain("filter", "FORWARD").rules;
  Rule answers;
  answers.out = bridge;
  answers.matches = {StateMatch{conntrack_state::related | conntrack_state::established, false}};
  answers.target = Accept{};
  forward.push_back(answers);
  Rule published = jump("DOCKER");
  published.out = bridge;
  forward.push_back(published);
  if (!network.internal) {
    Rule leaving;
    leaving.in = bridge;
    leaving.out = elsewhere;
    leaving.target = Accept{};
    forward.push_back(leaving);
  }
  Rule within;
  within.in = bridge;
  within.out = bridge;
  within.target = Accept{};
  forward.push_back(within);
}

/// Two stages make it one rule per network instead of one per pair of networks.
void add_isolation(Ruleset& rules, const Network& network) {
  auto& first = rules.chain("filter", "DOCKER-ISOLATION-STAGE-1").rules;
  if (network.internal) {
    Rule in, out;
    in.source = AddressMatch{network.subnet, true};
    in.out = InterfaceMatch{network.bridge, false};
    out.destination = AddressMatch{network.subnet, true};
    out.in = InterfaceMatch{network.bridge, false};
    for (Rule* rule : {&in, &out}) {
      rule->target = Drop{};
      first.push_back(*rule);
    }
    return;
  }
  Rule leaving = jump("DOCKER-ISOLATION-STAGE-2");
  leaving.in = InterfaceMatch{network.bridge, false};
  leaving.out = InterfaceMatch{network.bridge, true};
  first.push_back(leaving);
  Rule arriving;
  arriving.out = InterfaceMatch{network.bridge, false};
  arriving.target = Drop{};
  rules.chain("filter", "DOCKER-ISOLATION-STAGE-2").rules.push_back(arriving);
}

void add_nat(Ruleset& rules, const Network& network) {
  if (network.internal) return;
  Rule masquerade;
  masquerade.source = AddressMatch{network.subnet, false};
  masquerade.out = InterfaceMatch{network.bridge, true};
  masquerade.target = Masquerade{};
  rules.chain("nat", "POSTROUTING").rules.push_back(masquerade);
  Rule from_inside = returning();
  from_inside.in = InterfaceMatch{network.bridge, false};
  rules.chain("nat", "DOCKER").rules.push_back(from_inside);
}

Rule to_port(uint8_t protocol, uint16_t port) {
  Rule rule;
  rule.protocol = ProtocolMatch{protocol, false};
  rule.matches = {PortMatch{std::nullopt, PortTest{PortRange::one(port), false}}};
  return rule;
}

void add_forwarding(Ruleset& rules, const Forwarding& forwarding) {
  const PublishedPort& port = forwarding.port;
  const AddressMatch container{Prefix::host(forwarding.container_ip), false};
  const InterfaceMatch not_from_inside{forwarding.bridge, true};
  Rule translate = to_port(port.protocol, port.host_port);
  if (!port.host_ip.is_unspecified()) {
    translate.destination = AddressMatch{Prefix::host(port.host_ip), false};
  }
  translate.in = not_from_inside;
  translate.target = Dnat{forwarding.container_ip, port.container_port};
  rules.chain("nat", "DOCKER").rules.push_back(translate);
  Rule allow = to_port(port.protocol, port.container_port);
  allow.destination = container;
  allow.in = not_from_inside;
  allow.out = InterfaceMatch{forwarding.bridge, false};
  allow.target = Accept{};
  rules.chain("filter", "DOCKER").rules.push_back(allow);
  // A container that calls its own published port.
  Rule hairpin = to_port(port.protocol, port.container_port);
  hairpin.source = container;
  hairpin.destination = container;
  hairpin.target = Masquerade{};
  rules.chain("nat", "POSTROUTING").rules.push_back(hairpin);
}

}  // namespace

Ruleset bridge_rules(std::span<const Network> networks, std::span<const Forwarding> forwardings) {
  Ruleset rules;
  add_base(rules);
  for (const Network& network : networks) {
    if (!network.is_bridge()) continue;
    add_forward(rules, network);
    add_isolation(rules, network);
    add_nat(rules, network);
  }
  for (const Forwarding& forwarding : forwardings) add_forwarding(rules, forwarding);
  for (const char* chain : {"DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"}) {
    rules.chain("filter", chain).rules.push_back(returning());
  }
  rules.chain("filter", "DOCKER-USER").rules = {returning()};
  return rules;
}

}  // namespace hoplab::engine
