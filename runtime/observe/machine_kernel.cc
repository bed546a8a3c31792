// The parts of examine_machine() that try the kernel for real: a forked child makes namespaces of
// its own, tries, and reports through a pipe. The parent never leaves its namespaces.

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/observe/machine.h"
#include "runtime/proc/userns.h"

namespace hoplab {

namespace {

/// Runs `body` in a child with its own user (unless root) and network namespace; returns what it
/// said, or the errno of making the namespaces.
Result<std::string> in_own_namespaces(const std::function<std::string()>& body) {
  HOP_TRY(Pipe pipe, make_pipe());
  pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "forking");
  if (child == 0) {
    int flags = CLONE_NEWNET | CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
    std::string said = ::unshare(flags) == 0 ? body() : "errno " + std::to_string(errno);
    (void)write_all(pipe.write_end.get(), said);
    ::_exit(0);
  }
  pipe.write_end.reset();
  auto said = read_all(pipe.read_end.get());
  ::waitpid(child, nullptr, 0);
  HOP_TRY(std::string text, std::move(said));
  if (text.starts_with("errno ")) {
    return Error::from_errno(std::stoi(text.substr(6)), "making namespaces");
  }
  return text;
}

/// "1" when a link of this kind can be made here, else the errno's name.
std::string try_link(NetlinkSocket& socket, LinkKind kind, const std::string& name) {
  Link link;
  link.name = name;
  link.kind = kind;
  Operation operation{"", LinkAdd{link}, "trying whether the kernel has this kind of link"};
  if (kind == LinkKind::veth) {
    Link peer = link;
    peer.name = name + "p";
    operation.action = VethAdd{link, peer, ""};
  }
  auto done = apply_operations(socket, std::span<const Operation>(&operation, 1)).status();
  return done ? "1" : errno_name(done.error().sys_errno());
}

/// Making a link loads its kind's module for the whole computer, and ipip's puts a tunl0 there:
/// only to try it, that is too much. Both have parameters, so /sys lists them when built in, too.
bool may_be_tried(LinkKind kind) {
  if (kind != LinkKind::ipip && kind != LinkKind::vxlan) return true;
  return ::access(str("/sys/module/", to_string(kind)).c_str(), F_OK) == 0;
}

std::string probe_kernel() {
  auto socket = NetlinkSocket::open();
  if (!socket) return "netlink " + socket.error().message();
  std::string out;
  for (auto kind : {LinkKind::veth, LinkKind::bridge, LinkKind::vxlan, LinkKind::ipip}) {
    const std::string name = str("probe", out.size());
    out +=
        str(to_string(kind), " ", may_be_tried(kind) ? try_link(*socket, kind, name) : "0", "\n");
  }
  out += str("netfilter ", NetlinkSocket::open(NetlinkSocket::Family::netfilter) ? "1" : "0", "\n");
  for (auto [name, path] :
       {std::pair{"br_netfilter", "/proc/sys/net/bridge/bridge-nf-call-iptables"},
        {"conntrack", "/proc/sys/net/netfilter/nf_conntrack_max"}}) {
    out += str(name, " ", ::access(path, F_OK) == 0 ? "1" : "0", "\n");
  }
  return out;
}

struct Feature {
  const char* name;
  FindingState missing;
  const char* consequence;
  const char* repair;
};

constexpr Feature features[] = {
    {"veth", FindingState::failure, "no host or pod can be connected", "sudo modprobe veth"},
    {"bridge", FindingState::failure, "no switch can be made", "sudo modprobe bridge"},
    {"vxlan", FindingState::warning, "encapsulation vxlan is not available", "sudo modprobe vxlan"},
    {"ipip", FindingState::good, "the line tunl0 below says who does it instead",
     "sudo modprobe ipip"},
    {"netfilter", FindingState::failure, "no rules, so no services", "sudo modprobe nf_tables"},
    {"br_netfilter", FindingState::warning,
     "iptables does not see bridged packets; one lesson step is skipped",
     "sudo modprobe br_netfilter"},
    {"conntrack", FindingState::failure, "no address translation, so no services",
     "sudo modprobe nf_conntrack"},
};

Finding finding_of(const Feature& feature, std::string_view state) {
  Finding finding{std::string("kernel: ") + feature.name, FindingState::good, "available", "", ""};
  // EINVAL: the kernel knows the kind and only misses its parameters.
  if (state == "1" || state == "EINVAL") return finding;
  finding.state = feature.missing;
  finding.found = state == "0" ? "not there" : "refused with " + std::string(state);
  if (feature.missing == FindingState::good) {
    finding.found += str("; ", feature.consequence);
    return finding;
  }
  finding.consequence = feature.consequence;
  finding.repair = feature.repair;
  return finding;
}

}  // namespace

Finding examine_user_namespaces() {
  Finding finding{"user namespaces", FindingState::good, "", "", ""};
  if (::geteuid() == 0) {
    finding.found = "not needed: running as root";
    return finding;
  }
  auto tried = in_own_namespaces([] { return std::string("1"); });
  if (tried) {
    finding.found = "an ordinary user may make them";
    return finding;
  }
  finding.state = FindingState::failure;
  finding.found = tried.error().message();
  finding.consequence = "a lab cannot start as this user";
  auto why = proc::explain_userns_failure(proc::read_userns_facts(), tried.error().sys_errno());
  finding.repair = why.value_or("sudo hoplab up");
  return finding;
}

std::vector<Finding> examine_kernel_features() {
  std::vector<Finding> out;
  auto said = in_own_namespaces(probe_kernel);
  if (!said) {
    out.push_back({"kernel", FindingState::failure, said.error().message(), "nothing can be tried",
                   "sudo hoplab doctor"});
    return out;
  }
  for (const Feature& feature : features) {
    for (auto line : split(*said, '\n')) {
      auto fields = words(line);
      if (fields.size() == 2 && fields[0] == feature.name) {
        out.push_back(finding_of(feature, fields[1]));
      }
    }
  }
  return out;
}

}  // namespace hoplab
