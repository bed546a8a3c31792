#include "runtime/observe/machine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iterator>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab {

namespace {

constexpr uint64_t wanted_files = 4096;
constexpr int64_t wanted_send_buffer = 1 << 20;
constexpr uint16_t api_port = 6443;

bool is_root() {
  return ::geteuid() == 0;
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

int64_t number_in(const std::string& path, int64_t fallback) {
  auto text = read_file(path, 4096);
  if (!text) return fallback;
  return std::strtoll(text->c_str(), nullptr, 10);
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string search = std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin:/usr/bin:/bin";
  for (auto folder : split(search, ':')) {
    std::string full = std::string(folder) + "/" + name;
    if (!folder.empty() && ::access(full.c_str(), X_OK) == 0) return full;
  }
  return "";
}

bool has_subordinate_ids(const std::string& file, const std::string& user) {
  auto text = read_file(file);
  if (!text) return false;
  for (auto line : split(*text, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() == 3 && (fields[0] == user || fields[0] == std::to_string(::geteuid()))) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view to_string(FindingState state) {
  switch (state) {
    case FindingState::good:
      return "ok";
    case FindingState::warning:
      return "warning";
    case FindingState::failure:
      return "failure";
  }
  return "?";
}

Json to_json(const Finding& finding) {
  Json out = {
      {"subject", finding.subject}, {"state", to_string(finding.state)}, {"found", finding.found}};
  if (!finding.consequence.empty()) out["consequence"] = finding.consequence;
  if (!finding.repair.empty()) out["repair"] = finding.repair;
  return out;
}

std::vector<Finding> examine_limits() {
  std::vector<Finding> out;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  Finding open_files{"open files", FindingState::good,
                     str("hard limit ", files.rlim_max, " (ulimit -Hn)"), "", ""};
  if (files.rlim_max < wanted_files) {
    open_files.state = FindingState::warning;
    open_files.consequence = "clusters of some hundred pods run out of descriptors";
    open_files.repair = str("sudo sh -c 'echo \"", user_name(),
                            " hard nofile 65536\" >> /etc/security/limits.conf'");
  }
  out.push_back(open_files);

  int64_t buffer = number_in("/proc/sys/net/core/wmem_max", 0);
  Finding send{"netlink send buffer", FindingState::good, str("net.core.wmem_max = ", buffer), "",
               ""};
  if (buffer < wanted_send_buffer && !is_root()) {
    send.state = FindingState::warning;
    send.consequence = "rulesets of more than about 100 services are loaded in several steps";
    send.repair = "sudo sysctl -w net.core.wmem_max=4194304";
  }
  out.push_back(send);

  for (auto [key, what] : {std::pair{"max_net_namespaces", "network namespaces"},
                           {"max_mnt_namespaces", "mount namespaces"}}) {
    std::string path = str("/proc/sys/user/", key);
    int64_t limit = number_in(path, 1 << 20);
    Finding finding{what, FindingState::good, str("user.", key, " = ", limit), "", ""};
    if (limit < 100) {
      finding.state = limit < 16 ? FindingState::failure : FindingState::warning;
      finding.consequence = "each host and each pod needs one";
      finding.repair = str("sudo sysctl -w user.", key, "=65536");
    }
    out.push_back(finding);
  }
  return out;
}

std::vector<Finding> examine_devices_and_ids() {
  std::vector<Finding> out;
  Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  int tun_errno = errno;
  Finding device{"/dev/net/tun", FindingState::good, "opens for reading and writing", "", ""};
  if (!tun) {
    device.state = FindingState::warning;
    device.found = "cannot be opened: " + errno_name(tun_errno);
    device.consequence =
        "where neither the kernel's ipip nor eBPF does IP in IP, tunl0 is a veth pair (same "
        "packets "
        "on the wire)";
    device.repair = "sudo chmod 0666 /dev/net/tun";
  }
  out.push_back(device);
  if (is_root()) return out;

  bool ids = has_subordinate_ids("/etc/subuid", user_name()) &&
             has_subordinate_ids("/etc/subgid", user_name());
  bool helper = !find_program("newuidmap").empty();
  Finding subordinate{"subordinate ids", FindingState::good, "/etc/subuid and newuidmap are there",
                      "", ""};
  if (!ids || !helper) {
    subordinate.state = FindingState::warning;
    subordinate.found = !helper ? "newuidmap is not installed"
                                : "no lines for " + user_name() + " in /etc/subuid and /etc/subgid";
    subordinate.consequence =
        "inside the lab there is one user id: runAsUser and the machine's own tcpdump do not "
        "work (hoplab's capture takes tcpdump's place)";
    subordinate.repair =
        !helper
            ? "sudo apt-get install uidmap"
            : "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + user_name();
  }
  out.push_back(subordinate);
  return out;
}

std::vector<Finding> examine_tools() {
  struct Tool {
    const char* name;
    const char* package;
    FindingState missing;
    const char* use;
  };
  constexpr Tool tools[] = {
      {"ip", "iproute2", FindingState::warning, "looking at links and routes"},
      {"iptables-save", "iptables", FindingState::warning, "looking at rules"},
      {"ping", "iputils-ping", FindingState::warning, "most lessons"},
      {"curl", "curl", FindingState::warning, "calling services"},
      {"tcpdump", "tcpdump", FindingState::warning, "watching packets"},
      {"kubectl", "kubernetes-client", FindingState::good,
       "the real client (hoplab kubectl is there anyway)"},
  };
  std::vector<Finding> out;
  for (const Tool& tool : tools) {
    std::string path = find_program(tool.name);
    Finding finding{tool.name, FindingState::good, path, "", ""};
    if (path.empty()) {
      finding.state = tool.missing;
      finding.found = "not installed";
      finding.consequence = str("used for ", tool.use);
      finding.repair = str("sudo apt-get install ", tool.package);
    }
    out.push_back(finding);
  }
  return out;
}

Finding examine_api_port() {
  Finding finding{"port 6443", FindingState::good, "free on 127.0.0.1", "", ""};
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int one = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(api_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    finding.state = FindingState::warning;
    finding.found = "taken on 127.0.0.1 (a running lab, or another cluster)";
    finding.consequence = "the next free port is used; `hoplab status` says which";
    finding.repair = "ss -ltnp 'sport = :6443'";
  }
  return finding;
}

Finding examine_cgroups() {
  Finding finding{"cgroups", FindingState::good, "", "", ""};
  std::vector<std::string> usable;
  auto unified = read_file("/sys/fs/cgroup/cgroup.controllers", 4096);
  bool writable = ::access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0;
  for (auto controller : {"memory", "cpu", "pids"}) {
    std::string v1 = str("/sys/fs/cgroup/", controller);
    bool in_v2 = unified && writable && unified->find(controller) != std::string::npos;
    if (in_v2 || ::access(v1.c_str(), W_OK) == 0) usable.emplace_back(controller);
  }
  finding.found = usable.empty() ? "no controller can be written here"
                                 : "writable controllers: " + join(usable, ", ");
  if (usable.size() < 3) {
    finding.state = FindingState::warning;
    finding.consequence = "resource limits of containers are not enforced (each pod says so)";
    finding.repair = is_root() ? ""
                               : "run as root, or: systemd-run --user --scope -p Delegate=yes "
                                 "hoplab up";
  }
  return finding;
}

std::vector<Finding> examine_machine() {
  std::vector<Finding> out{examine_user_namespaces()};
  auto add = [&out](std::vector<Finding> more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  };
  // Without namespaces of our own there is nowhere to try kernel features.
  if (out.front().state != FindingState::failure) add(examine_kernel_features());
  add(examine_devices_and_ids());
  add(examine_limits());
  out.push_back(examine_cgroups());
  out.push_back(examine_api_port());
  add(examine_tools());
  return out;
}

}  // namespace hoplab
