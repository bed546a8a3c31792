#include "runtime/observe/footprint.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"
#include "runtime/nft/observe.h"
#include "runtime/nft/transaction.h"
#include "runtime/observe/network.h"

namespace hoplab {

namespace {

namespace fs = std::filesystem;

/// Settings of every interface come and go with it; the global and default ones must not change.
void add_sysctls(Footprint& out) {
  for (const char* folder : {"/proc/sys/net/ipv4", "/proc/sys/net/ipv4/conf/all",
                             "/proc/sys/net/ipv4/conf/default", "/proc/sys/net/bridge"}) {
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder, code)) {
      if (!entry.is_regular_file(code)) continue;
      auto text = read_file(entry.path().string(), 4096);
      if (text)
        out.lines.insert("sysctl " + entry.path().string() + " = " + std::string(trim(*text)));
    }
  }
}

/// Only root may read it, and nobody else could change it.
void add_firewall(int netns_fd, Footprint& out) {
  auto socket = nft::NftSocket::open_in(netns_fd);
  if (!socket) return;
  auto tables = nft::observe_tables(*socket, {"raw", "mangle", "nat", "filter"});
  if (!tables) return;
  for (const auto& [table, content] : *tables) {
    for (const auto& [chain, found] : content.chains) {
      out.lines.insert(str("chain ", table, " ", chain));
      for (const auto& rule : found.rules) {
        out.lines.insert(str("rule ", table, " ", chain, " handle ", rule.handle, " ", rule.shape));
      }
    }
  }
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
  add_firewall(here.get(), out);
  add_sysctls(out);
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
    if (!before.lines.contains(line)) out.push_back("+ " + line);
  }
  return out;
}

}  // namespace hoplab
