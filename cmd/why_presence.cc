#include "cmd/why_presence.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/render_batch.h"
#include "runtime/nft/render_text.h"

namespace hoplab::cmd {

namespace {

Presence there() {
  return {true, {}};
}
Presence absent(std::string note = {}) {
  return {false, std::move(note)};
}
/// For operations that take something away.
Presence gone(bool still_there) {
  return still_there ? absent("it is still there") : there();
}

/// Empty when the link is as wanted.
std::string difference(const Link& wanted, const Link& found) {
  std::vector<std::string> out;
  if (wanted.kind != LinkKind::other && wanted.kind != found.kind) {
    out.push_back(str("its kind is ", to_string(found.kind)));
  }
  if (wanted.mtu != 0 && wanted.mtu != found.mtu) out.push_back(str("its mtu is ", found.mtu));
  if (wanted.mac && wanted.mac != found.mac) {
    out.push_back(str("its MAC is ", found.mac ? to_string(*found.mac) : "none"));
  }
  if (wanted.up && !found.up) out.push_back("it is down");
  if (!wanted.master.empty() && wanted.master != found.master) {
    out.push_back(found.master.empty() ? "it is plugged into no bridge"
                                       : "it is plugged into " + found.master);
  }
  return join(out, ", ");
}

class Inspector {
 public:
  Inspector(const LiveNetwork& here, const LiveNetworks& all) : here_(here), all_(all) {}

  Presence operator()(const LinkAdd& add) const { return link(here_.state, add.link); }
  Presence operator()(const VethAdd& add) const {
    Presence near = link(here_.state, add.link);
    if (!near.present) return near;
    const LiveNetwork* far = &here_;
    if (!add.peer_netns.empty()) {
      const auto found = all_.find(add.peer_netns);
      if (found == all_.end()) return absent("the namespace of its far end is gone");
      far = &found->second;
    }
    return link(far->state, add.peer);
  }
  Presence operator()(const LinkSet& set) const {
    Link wanted;
    wanted.name = set.name;
    wanted.mtu = set.mtu.value_or(0);
    wanted.mac = set.mac;
    wanted.up = set.up.value_or(false);
    wanted.master = set.master.value_or("");
    Presence out = link(here_.state, wanted);
    const Link* found = here_.state.link(set.name);
    if (out.present && set.up == false && found->up) return absent("it is up");
    if (out.present && set.master == "" && !found->master.empty()) {
      return absent("it is plugged into " + found->master);
    }
    if (out.present && set.arp && *set.arp != found->arp) {
      return absent(found->arp ? "it asks for neighbors" : "it asks for no neighbors");
    }
    if (out.present && set.alias && *set.alias != found->alias) {
      return absent(str("its alias is \"", found->alias, "\""));
    }
    return out;
  }
  Presence operator()(const LinkDelete& del) const {
    return gone(here_.state.link(del.name) != nullptr);
  }
  Presence operator()(const AddressAdd& add) const {
    if (has(add.address)) return there();
    std::vector<std::string> others;
    for (const Address& address : here_.state.addresses) {
      if (address.link == add.address.link) others.push_back(to_string(address.prefix));
    }
    if (others.empty()) return absent(add.address.link + " has no address");
    return absent(str(add.address.link, " has ", join(others, ", ")));
  }
  Presence operator()(const AddressDelete& del) const { return gone(has(del.address)); }
  Presence operator()(const RouteReplace& add) const {
    std::string instead;
    for (const Route& route : here_.state.routes) {
      if (same_place(route, add.route)) {
        Route found = route;
        if (!add.route.source) found.source.reset();  // the kernel may choose one
        if (found == add.route) return there();
        instead = to_string(route);
      }
    }
    return absent(instead);
  }
  Presence operator()(const RouteDelete& del) const {
    const auto& routes = here_.state.routes;
    return gone(std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
      return same_place(route, del.route) && route.link == del.route.link;
    }));
  }
  Presence operator()(const NeighborReplace& add) const {
    const Neighbor* found = neighbor(add.neighbor);
    if (found == nullptr) return absent();
    if (add.neighbor.mac && add.neighbor.mac != found->mac) {
      return absent(str("its MAC is ", found->mac ? to_string(*found->mac) : "not known"));
    }
    if (add.neighbor.permanent && !found->permanent) return absent("it is not permanent");
    return there();
  }
  Presence operator()(const NeighborDelete& del) const {
    return gone(neighbor(del.neighbor) != nullptr);
  }
  Presence operator()(const SysctlSet& set) const {
    const auto found = here_.sysctls.find(set.key);
    if (found == here_.sysctls.end() || !found->second) {
      return absent("the kernel has no such parameter here");
    }
    return *found->second == set.value ? there() : absent("it is " + *found->second);
  }
  /// `hoplab why` has no plan with these: `hoplab tunnel` makes them, before any object exists.
  template <typename TrafficControl>
  Presence operator()(const TrafficControl&) const {
    return absent("not looked at");
  }

 private:
  static bool same_place(const Route& a, const Route& b) {
    return a.destination == b.destination && a.metric == b.metric && a.table == b.table;
  }
  static Presence link(const NetworkState& state, const Link& wanted) {
    const Link* found = state.link(wanted.name);
    if (found == nullptr) return absent(str("there is no link ", wanted.name));
    const std::string differs = difference(wanted, *found);
    return differs.empty() ? there() : absent(differs);
  }
  [[nodiscard]] bool has(const Address& wanted) const {
    const auto& list = here_.state.addresses;
    return std::any_of(list.begin(), list.end(), [&](const Address& address) {
      return address.link == wanted.link && address.prefix == wanted.prefix;
    });
  }
  [[nodiscard]] const Neighbor* neighbor(const Neighbor& wanted) const {
    const auto& list = here_.state.neighbors;
    const auto found = std::find_if(list.begin(), list.end(), [&](const Neighbor& neighbor) {
      return neighbor.link == wanted.link && neighbor.ip == wanted.ip &&
             neighbor.proxy == wanted.proxy;
    });
    return found == list.end() ? nullptr : &*found;
  }

  const LiveNetwork& here_;
  const LiveNetworks& all_;
};

}  // namespace

Presence presence_of(const Operation& operation, const LiveNetworks& live) {
  const auto found = live.find(operation.netns);
  if (found == live.end()) return absent("its namespace is gone");
  return std::visit(Inspector(found->second, live), operation.action);
}

Presence presence_of(const nft::ObservedRuleset& live, const std::string& owner,
                     const std::string& table, const std::string& chain,
                     const std::optional<Rule>& rule) {
  const auto home = live.find(table);
  if (home == live.end()) return absent(str("there is no table ", table));
  const auto found = home->second.chains.find(chain);
  if (found == home->second.chains.end()) return absent(str("there is no chain ", chain));
  if (!rule) return there();
  const uint64_t hash = nft::rule_hash(nft::rule_spec(*rule));
  nft::EncodeOptions options;
  options.owner = owner;
  const auto shape = nft::rule_shape(*rule, options);  // fails for sets: those go by the mark only
  for (const nft::ObservedRule& seen : found->second.rules) {
    if (seen.owner == owner && seen.hash == hash) return there();
    if (seen.owner.empty() && shape && seen.shape == *shape) return there();
  }
  return absent();
}

std::vector<std::string> sysctl_keys(const std::vector<Operation>& operations,
                                     const std::string& netns) {
  std::vector<std::string> out;
  for (const Operation& operation : operations) {
    const auto* set = std::get_if<SysctlSet>(&operation.action);
    if (set != nullptr && operation.netns == netns) out.push_back(set->key);
  }
  return out;
}

std::vector<WhyItem> items_of(const std::vector<Operation>& operations, const LiveNetworks& live,
                              const std::string& typed_on) {
  std::vector<WhyItem> out;
  for (const Operation& operation : operations) {
    Operation typed = operation;
    if (typed.netns == typed_on) typed.netns.clear();
    out.push_back({to_command(typed), operation.reason, presence_of(operation, live)});
  }
  return out;
}

}  // namespace hoplab::cmd
