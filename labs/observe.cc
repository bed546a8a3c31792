#include "labs/observe.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "labs/probe.h"
#include "labs/processes.h"
#include "runtime/base/text.h"
#include "runtime/netlink/conntrack.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/proc/spawn.h"

namespace hoplab::labs {

namespace {

constexpr std::array<const char*, 6> namespace_kinds{"cgroup", "ipc", "mnt", "net", "pid", "uts"};

std::vector<std::string> names_in(const char* folder) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder), ::closedir);
  while (dir) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The namespace that the check is about; invalid (and missing_place set) when it is not there.
Result<Fd> place_netns(const Check& check, View& view) {
  if (!check.netns.empty()) {
    auto fd = open_netns(check.netns);
    if (!fd && fd.error().code() == ErrorCode::not_found) {
      view.missing_place = "netns " + check.netns;
      return Fd();
    }
    return fd;
  }
  if (check.of.empty()) return host_netns();
  auto processes = find_processes(check.of);
  if (processes.empty()) {
    view.missing_place = "`" + check.of + "`";
    return Fd();
  }
  return open_fd(str("/proc/", processes.back().pid, "/ns/net"), O_RDONLY);
}

/// Joins the process's UTS namespace in a child and asks there.
Result<std::string> hostname_of(const Check& check, View& view) {
  auto processes = find_processes(check.of);
  if (!check.of.empty() && processes.empty()) {
    view.missing_place = "`" + check.of + "`";
    return std::string();
  }
  const int pid = check.of.empty() ? 1 : processes.back().pid;
  HOP_TRY(Captured got, capture({"nsenter", "-t", std::to_string(pid), "-u", "hostname"}, -1));
  return std::string(trim(std::string_view(got.output)));
}

Result<void> read_rules(const Check& check, int netns, View& view) {
  HOP_TRY(Captured got, capture({"iptables-save", "-t", check.text("table")}, netns));
  if (got.code != 0) {
    return Error(ErrorCode::system, str("iptables-save ended with code ", got.code));
  }
  for (auto line : split(std::string_view(got.output), '\n')) view.rules.emplace_back(line);
  return {};
}

/// As the learner's kubectl shows it.
Result<void> read_object(const Check& check, View& view) {
  std::string said;
  HOP_TRY(Captured got, capture({"/run/hoplab/bin/hoplab", "kubectl", "get", check.text("kind"),
                                 check.text("name"), "-n",
                                 string_or(check.want, "namespace", "default"), "-o", "json"},
                                -1, {}, [&said](std::string_view text) { said += text; }));
  if (got.code != 0) {
    if (said.find("(NotFound)") != std::string::npos) return {};
    return Error(ErrorCode::unavailable, str("asking the API: ", trim(std::string_view(said))));
  }
  HOP_TRY(view.object, parse_json(got.output));
  return {};
}

Result<void> ask_name(const Check& check, int netns, View& view) {
  HOP_TRY(Ipv4 server, Ipv4::parse(check.text("server")));
  auto found = ask_dns(netns, server, 53, check.text("name"));
  if (!found) {
    view.failure = found.error().message();
    return {};
  }
  for (Ipv4 ip : *found) view.answers.push_back(to_string(ip));
  return {};
}

Result<void> read_there(const Check& check, int netns, View& view) {
  switch (check.kind) {
    case CheckKind::link:
    case CheckKind::address:
    case CheckKind::route:
    case CheckKind::neighbor: {
      HOP_TRY(view.network, observe_network(netns));
      return {};
    }
    case CheckKind::rule:
    case CheckKind::policy:
      return read_rules(check, netns, view);
    case CheckKind::sysctl:
      if (auto value = read_sysctl(netns, check.text("key"))) view.value = *std::move(value);
      return {};
    case CheckKind::conntrack: {
      HOP_TRY(auto socket, NetlinkSocket::open_in(netns, NetlinkSocket::Family::netfilter));
      HOP_TRY(view.connections, dump_conntrack(socket));
      return {};
    }
    case CheckKind::ping: {
      HOP_TRY(Ipv4 to, Ipv4::parse(check.text("to")));
      HOP_TRY(view.ping, ping(netns, to, ping_patience(check.text("answer"))));
      return {};
    }
    case CheckKind::http: {
      HOP_TRY(Ipv4 to, Ipv4::parse(check.text("to")));
      auto page = get_page(netns, to, static_cast<uint16_t>(int_or(check.want, "port", 80)));
      if (page) view.value = *std::move(page);
      if (!page) view.failure = page.error().message();
      return {};
    }
    case CheckKind::dns:
      return ask_name(check, netns, view);
    default:
      return {};
  }
}

}  // namespace

Result<Fd> host_netns() {
  return open_fd("/proc/1/ns/net", O_RDONLY);
}

std::vector<std::string> named_namespaces() {
  return names_in("/run/netns");
}

std::vector<ProcessView> find_processes(const std::string& command) {
  std::vector<ProcessView> found;
  for (const Process& each : all_processes()) {
    if (each.command != command) continue;
    ProcessView process;
    process.pid = each.pid;
    for (const char* kind : namespace_kinds) {
      const std::string its = namespace_of(each.pid, kind);
      process.own[kind] = !its.empty() && its != namespace_of(1, kind);
    }
    found.push_back(std::move(process));
  }
  return found;
}

std::vector<std::string> environment_of_commands() {
  auto env = proc::inside_environment();
  env.insert(env.end(), {"USER=root", "LOGNAME=root", "SHELL=/bin/bash"});
  for (const char* name : {"HOPLAB_CLUSTER", "HOPLAB_HOST", "HOPLAB_LABS"}) {
    if (const char* value = std::getenv(name)) env.push_back(str(name, '=', value));
  }
  return env;
}

Result<View> observe(const Check& check) {
  View view;
  switch (check.kind) {
    case CheckKind::netns:
      view.namespaces = named_namespaces();
      return view;
    case CheckKind::process:
      view.processes = find_processes(check.text("command"));
      return view;
    case CheckKind::hostname: {
      HOP_TRY(std::string name, hostname_of(check, view));
      if (view.missing_place.empty()) view.value = name;
      return view;
    }
    case CheckKind::object:
      HOP_CHECK(read_object(check, view));
      return view;
    default:
      break;
  }
  HOP_TRY(Fd netns, place_netns(check, view));
  if (netns) HOP_CHECK(read_there(check, netns.get(), view));
  return view;
}

}  // namespace hoplab::labs
