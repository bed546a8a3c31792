#include "runtime/proc/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr std::array<std::string_view, 41> names{"CHOWN",
                                                 "DAC_OVERRIDE",
                                                 "DAC_READ_SEARCH",
                                                 "FOWNER",
                                                 "FSETID",
                                                 "KILL",
                                                 "SETGID",
                                                 "SETUID",
                                                 "SETPCAP",
                                                 "LINUX_IMMUTABLE",
                                                 "NET_BIND_SERVICE",
                                                 "NET_BROADCAST",
                                                 "NET_ADMIN",
                                                 "NET_RAW",
                                                 "IPC_LOCK",
                                                 "IPC_OWNER",
                                                 "SYS_MODULE",
                                                 "SYS_RAWIO",
                                                 "SYS_CHROOT",
                                                 "SYS_PTRACE",
                                                 "SYS_PACCT",
                                                 "SYS_ADMIN",
                                                 "SYS_BOOT",
                                                 "SYS_NICE",
                                                 "SYS_RESOURCE",
                                                 "SYS_TIME",
                                                 "SYS_TTY_CONFIG",
                                                 "MKNOD",
                                                 "LEASE",
                                                 "AUDIT_WRITE",
                                                 "AUDIT_CONTROL",
                                                 "SETFCAP",
                                                 "MAC_OVERRIDE",
                                                 "MAC_ADMIN",
                                                 "SYSLOG",
                                                 "WAKE_ALARM",
                                                 "BLOCK_SUSPEND",
                                                 "AUDIT_READ",
                                                 "PERFMON",
                                                 "BPF",
                                                 "CHECKPOINT_RESTORE"};

constexpr CapabilitySet bit(unsigned number) {
  return CapabilitySet{1} << number;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

using CapData = std::array<__user_cap_data_struct, 2>;

__user_cap_header_struct header() {
  return {_LINUX_CAPABILITY_VERSION_3, 0};
}

}  // namespace

CapabilitySet default_capabilities() {
  return bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) | bit(CAP_FSETID) |
         bit(CAP_KILL) | bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETPCAP) |
         bit(CAP_NET_BIND_SERVICE) | bit(CAP_NET_RAW) | bit(CAP_SYS_CHROOT) | bit(CAP_MKNOD) |
         bit(CAP_AUDIT_WRITE) | bit(CAP_SETFCAP);
}

CapabilitySet all_capabilities() {
  return bit(names.size()) - 1;
}

Result<CapabilitySet> parse_capability(std::string_view name) {
  std::string word = upper(name);
  if (word == "ALL") return all_capabilities();
  if (word.starts_with("CAP_")) word.erase(0, 4);
  for (unsigned i = 0; i < names.size(); ++i) {
    if (names[i] == word) return bit(i);
  }
  return Error(ErrorCode::invalid,
               str("\"", name, "\" is no Linux capability; see capabilities(7)"));
}

std::string capability_name(unsigned number) {
  return number < names.size() ? std::string(names[number]) : str(number);
}

Result<CapabilitySet> container_capabilities(bool privileged, const std::vector<std::string>& add,
                                             const std::vector<std::string>& drop) {
  CapabilitySet added = 0;
  CapabilitySet dropped = 0;
  bool drop_all = false;
  for (const std::string& name : add) {
    HOP_TRY(CapabilitySet one, parse_capability(name).context("securityContext.capabilities.add"));
    added |= one;
  }
  for (const std::string& name : drop) {
    HOP_TRY(CapabilitySet one, parse_capability(name).context("securityContext.capabilities.drop"));
    if (one == all_capabilities()) {
      drop_all = true;
    } else {
      dropped |= one;
    }
  }
  if (privileged) return all_capabilities();
  CapabilitySet start = drop_all ? 0 : default_capabilities();
  return (start | added) & ~dropped;
}

Result<void> limit_bounding_set(CapabilitySet wanted) {
  for (unsigned i = 0; i < 64; ++i) {
    int has = ::prctl(PR_CAPBSET_READ, i, 0, 0, 0);
    if (has < 0) break;
    if (has == 0 || (wanted & bit(i)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
      return Error::from_errno(errno, "dropping capability " + capability_name(i));
    }
  }
  return {};
}

Result<CapabilitySet> permitted_capabilities() {
  auto head = header();
  CapData data{};
  if (::syscall(SYS_capget, &head, data.data()) != 0) {
    return Error::from_errno(errno, "reading capabilities");
  }
  return CapabilitySet{data[0].permitted} | CapabilitySet{data[1].permitted} << 32U;
}

Result<void> apply_capabilities(CapabilitySet wanted) {
  HOP_TRY(CapabilitySet own, permitted_capabilities());
  wanted &= own;
  CapData data{};
  data[0].permitted = data[0].effective = static_cast<uint32_t>(wanted);
  data[1].permitted = data[1].effective = static_cast<uint32_t>(wanted >> 32U);
  auto head = header();
  if (::syscall(SYS_capset, &head, data.data()) != 0) {
    return Error::from_errno(errno, "setting capabilities");
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return {};
}

}  // namespace hoplab::proc
