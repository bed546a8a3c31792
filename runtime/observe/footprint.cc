#include "runtime/observe/footprint.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/listing.h"
#include "runtime/netlink/netns.h"
#include "runtime/nft/listing.h"
#include "runtime/nft/transaction.h"
#include "runtime/observe/footprint_files.h"
#include "runtime/observe/network.h"

namespace hoplab {

namespace {

namespace fs = std::filesystem;

template <typename Lines>
void add(const Lines& lines, Footprint& out) {
  out.lines.insert(lines.begin(), lines.end());
}

/// Only root may read it, and nobody else could change it.
void add_firewall(int netns_fd, Footprint& out) {
  auto socket = nft::NftSocket::open_in(netns_fd);
  if (!socket) return;
  if (auto lines = nft::list_everything(*socket)) add(*lines, out);
  // The older iptables' own tables: only which are in use can be read without loading modules.
  for (const char* file : {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}) {
    auto names = read_file(file);
    if (!names) continue;
    for (auto name : words(*names)) out.lines.insert(str("xtables ", file, " ", name));
  }
}

Result<void> add_rules_and_ipv6(int netns_fd, Footprint& out) {
  HOP_TRY(auto socket, NetlinkSocket::open_in(netns_fd));
  HOP_TRY(const auto lines, list_rules_and_ipv6(socket));
  add(lines, out);
  return {};
}

void add_mounts(Footprint& out) {
  auto text = read_file("/proc/self/mountinfo");
  if (!text) return;
  for (auto line : split(*text, '\n')) {
    auto fields = words(line);
    // Mount point, and what stands behind the separator: type and source.
    auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 5 || std::distance(dash, fields.end()) < 3) continue;
    out.lines.insert(str("mount ", fields[4], " ", dash[1], " ", dash[2]));
  }
}

void add_processes(const std::string& executable, Footprint& out) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    fs::path target = fs::read_symlink(entry.path() / "exe", code);
    if (code || target != executable || name == std::to_string(::getpid())) continue;
    out.lines.insert("process " + name + " " + executable);
  }
}

/// The kernel adds settings when it loads a module (conntrack's, say); nobody has set them.
bool is_new_setting(const std::string& line, const Footprint& before) {
  constexpr std::string_view kind = "sysctl ", equals = " = ";
  if (!line.starts_with(kind)) return false;
  const std::string setting = line.substr(0, line.find(equals) + equals.size());
  auto at = before.lines.lower_bound(setting);
  return at == before.lines.end() || !at->starts_with(setting);
}

}  // namespace

Result<Footprint> read_footprint(const std::string& executable) {
  Footprint out;
  HOP_TRY(Fd here, current_netns());
  HOP_TRY(auto network, observe_network(here.get()));
  for (const auto& link : network.links) {
    out.lines.insert(str("link ", link.name, " mtu ", link.mtu, link.up ? " up" : " down"));
  }
  for (const auto& address : network.addresses) {
    out.lines.insert("address " + to_string(address.prefix) + " on " + address.link);
  }
  for (const auto& route : network.routes) out.lines.insert("route " + to_string(route));
  HOP_CHECK(add_rules_and_ipv6(here.get(), out));
  add_firewall(here.get(), out);
  add(sysctl_lines("/proc/sys/net"), out);
  add(cgroup_lines("/sys/fs/cgroup"), out);
  add_mounts(out);
  add_processes(executable, out);
  return out;
}

std::vector<std::string> compare(const Footprint& before, const Footprint& after) {
  std::vector<std::string> out;
  for (const auto& line : before.lines) {
    if (!after.lines.contains(line)) out.push_back("- " + line);
  }
  for (const auto& line : after.lines) {
    if (before.lines.contains(line) || is_new_setting(line, before)) continue;
    out.push_back("+ " + line);
  }
  return out;
}

}  // namespace hoplab
