// `hoplab brctl`: bridge-utils' commands, which many texts about containers use, over netlink.
// Works on the network namespace it is run in.

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/socket.h"

namespace hoplab::cmd {

namespace {

constexpr const char* brctl_usage =
    "Usage: brctl [commands]\n"
    "commands:\n"
    "\taddbr     \t<bridge>\t\tadd bridge\n"
    "\tdelbr     \t<bridge>\t\tdelete bridge\n"
    "\taddif     \t<bridge> <device>\tadd interface to bridge\n"
    "\tdelif     \t<bridge> <device>\tdelete interface from bridge\n"
    "\tshow      \t[ <bridge> ]\t\tshow a list of bridges\n"
    "\n"
    "Today's way: ip link add br0 type bridge; ip link set veth0 master br0; bridge link\n";

/// What /sys/class/net/BRIDGE/bridge/NAME says, without its line end.
std::string bridge_fact(const std::string& bridge, const char* name) {
  auto text = read_file(str("/sys/class/net/", bridge, "/bridge/", name), 4096);
  return text ? std::string(trim(*text)) : "?";
}

/// As brctl lays it out: further interfaces below the first.
std::string show_bridge(const Link& bridge, const std::vector<Link>& links) {
  std::string out = str(bridge.name, "\t\t", bridge_fact(bridge.name, "bridge_id"), "\t",
                        bridge_fact(bridge.name, "stp_state") == "0" ? "no" : "yes", "\t\t");
  std::vector<std::string> ports;
  for (const Link& link : links) {
    if (link.master == bridge.name) ports.push_back(link.name);
  }
  std::sort(ports.begin(), ports.end());
  return out + join(ports, "\n\t\t\t\t\t\t\t") + "\n";
}

Result<int> show(const std::vector<std::string>& names) {
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  HOP_TRY(std::vector<Link> links, dump_links(socket));
  std::cout << "bridge name\tbridge id\t\tSTP enabled\tinterfaces\n";
  int code = exit_ok;
  for (const std::string& name : names) {
    auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
      return link.kind == LinkKind::bridge && link.name == name;
    });
    if (found == links.end()) {
      std::cerr << "bridge " << name << " does not exist!\n";
      code = exit_failure;
    } else {
      std::cout << show_bridge(*found, links);
    }
  }
  for (const Link& link : links) {
    if (names.empty() && link.kind == LinkKind::bridge) std::cout << show_bridge(link, links);
  }
  return code;
}

Result<int> change(const Action& action) {
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  const Operation operation{"", action, "brctl"};
  HOP_CHECK(apply_operations(socket, {&operation, 1}).status());
  return exit_ok;
}

Result<int> run_command(const std::vector<std::string>& args) {
  const std::string& verb = args[0];
  std::vector<std::string> names(args.begin() + 1, args.end());
  if (verb == "show") return show(names);
  if (verb == "addbr" && names.size() == 1) {
    return change(LinkAdd{{.name = names[0], .kind = LinkKind::bridge}});
  }
  if (verb == "delbr" && names.size() == 1) return change(LinkDelete{names[0]});
  if ((verb == "addif" || verb == "delif") && names.size() >= 2) {
    for (size_t i = 1; i < names.size(); ++i) {
      HOP_CHECK(change(LinkSet{.name = names[i], .master = verb == "addif" ? names[0] : ""}));
    }
    return exit_ok;
  }
  std::cerr << "Incorrect number of arguments for command, or never heard of command [" << verb
            << "]\n"
            << brctl_usage;
  return exit_failure;
}

int run_brctl(const Invocation& invocation) {
  const auto& args = invocation.args;
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    std::cout << brctl_usage;
    return args.empty() ? exit_failure : exit_ok;
  }
  auto done = run_command(args);
  std::cout.flush();
  return done ? *done : fail(done.error());
}

}  // namespace

extern const Command brctl_command;
const Command brctl_command{"brctl", "bridges of this network namespace", run_brctl};

}  // namespace hoplab::cmd
