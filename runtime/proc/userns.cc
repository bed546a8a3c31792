#include "runtime/proc/userns.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int64_t read_setting(const std::string& path) {
  auto text = read_file(path, 64);
  if (!text) return -1;
  return to_number<int64_t>(trim(*text)).value_or(-1);
}

bool has_mounts_below_proc() {
  auto mounts = read_file("/proc/self/mounts", 4U << 20U);
  if (!mounts) return false;
  for (auto line : split(*mounts, '\n')) {
    auto fields = words(line);
    if (fields.size() < 3 || !fields[1].starts_with("/proc/")) continue;
    if (fields[2] != "binfmt_misc" && fields[2] != "autofs") return true;
  }
  return false;
}

/// Runs `newuidmap PID 0 OWN 1 1 FIRST COUNT`. Its messages are not shown: the caller has a way
/// without it.
bool run_map_helper(const char* helper, pid_t pid, uint32_t own, const SubordinateIds& ids) {
  std::vector<std::string> args{helper,
                                std::to_string(pid),
                                "0",
                                std::to_string(own),
                                "1",
                                "1",
                                std::to_string(ids.first),
                                std::to_string(ids.count)};
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
      ::dup2(null, 1);
      ::dup2(null, 2);
    }
    ::execvp(helper, argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::optional<SubordinateIds> read_subordinate_ids(const char* path) {
  auto text = read_file(path, 1U << 20U);
  if (!text) return std::nullopt;
  const passwd* user = ::getpwuid(::geteuid());
  return find_subordinate_ids(*text, user != nullptr ? user->pw_name : "", ::geteuid());
}

Result<void> write_single(pid_t pid, const char* file, uint32_t own) {
  return write_file(str("/proc/", pid, '/', file), str("0 ", own, " 1\n"));
}

std::string gate(std::string_view what, std::string_view repair) {
  return str(what, "\n  repair: ", repair);
}

}  // namespace

UserNsFacts read_userns_facts() {
  UserNsFacts facts;
  facts.max_user_namespaces = read_setting("/proc/sys/user/max_user_namespaces");
  facts.max_net_namespaces = read_setting("/proc/sys/user/max_net_namespaces");
  facts.unprivileged_userns_clone = read_setting("/proc/sys/kernel/unprivileged_userns_clone");
  facts.apparmor_restrict = read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  auto status = read_file("/proc/self/status", 64U << 10U);
  facts.seccomp_filter = status && status->find("\nSeccomp:\t2") != std::string::npos;
  facts.in_container =
      ::access("/.dockerenv", F_OK) == 0 || ::access("/run/.containerenv", F_OK) == 0;
  facts.masked_proc = has_mounts_below_proc();
  return facts;
}

std::optional<std::string> explain_userns_failure(const UserNsFacts& facts, int sys_errno) {
  if (facts.max_user_namespaces == 0) {
    return gate("user namespaces are switched off (user.max_user_namespaces = 0)",
                "sudo sysctl -w user.max_user_namespaces=15000");
  }
  if (facts.max_net_namespaces == 0) {
    return gate("network namespaces are switched off (user.max_net_namespaces = 0)",
                "sudo sysctl -w user.max_net_namespaces=15000");
  }
  if (facts.unprivileged_userns_clone == 0) {
    return gate(
        "ordinary users may not make user namespaces (kernel.unprivileged_userns_clone = 0)",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1");
  }
  if (sys_errno == ENOSPC) {
    return gate("the limit of user or network namespaces is reached",
                "sudo sysctl -w user.max_user_namespaces=15000 user.max_net_namespaces=15000");
  }
  if (sys_errno == ENOSYS || sys_errno == EINVAL) {
    return gate("this kernel has no user namespaces (CONFIG_USER_NS)", "sudo hoplab up");
  }
  if (sys_errno != EPERM && sys_errno != EACCES) return std::nullopt;
  if (facts.apparmor_restrict == 1) {
    return gate(
        "AppArmor takes the capabilities of user namespaces away "
        "(kernel.apparmor_restrict_unprivileged_userns = 1)",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
        "  (or install hoplab's .deb, which brings an AppArmor profile)");
  }
  if (facts.in_container || facts.seccomp_filter) {
    return gate("a container's seccomp filter or masked /proc forbids namespaces and mounts",
                "start the container with: docker run --privileged …");
  }
  if (facts.masked_proc) {
    return gate("parts of /proc are hidden, so the kernel refuses a fresh one", "sudo hoplab up");
  }
  return std::nullopt;
}

Error with_userns_explanation(Error error) {
  auto why = explain_userns_failure(read_userns_facts(), error.sys_errno());
  if (!why) return error;
  return Error(ErrorCode::forbidden, error.message() + "\n  cause: " + *why);
}

std::optional<SubordinateIds> find_subordinate_ids(std::string_view file, std::string_view user,
                                                   uid_t uid) {
  for (auto line : split(file, '\n')) {
    auto fields = split(trim(line), ':');
    if (fields.size() != 3) continue;
    if (fields[0] != user && fields[0] != std::to_string(uid)) continue;
    auto first = to_number<uint32_t>(fields[1]);
    auto count = to_number<uint32_t>(fields[2]);
    if (first && count && *count > 0) return SubordinateIds{*first, *count};
  }
  return std::nullopt;
}

Result<IdMaps> write_id_maps(pid_t pid) {
  IdMaps maps;
  auto uids = read_subordinate_ids("/etc/subuid");
  auto gids = read_subordinate_ids("/etc/subgid");
  if (uids && gids) {
    maps.uid_range = run_map_helper("newuidmap", pid, ::geteuid(), *uids);
    // One of the two alone is of no use, but a map cannot be written twice.
    if (maps.uid_range) maps.gid_range = run_map_helper("newgidmap", pid, ::getegid(), *gids);
  }
  if (!maps.uid_range) HOP_CHECK(write_single(pid, "uid_map", ::geteuid()));
  if (!maps.gid_range) {
    HOP_CHECK(write_file(str("/proc/", pid, "/setgroups"), "deny"));
    HOP_CHECK(write_single(pid, "gid_map", ::getegid()));
  }
  return maps;
}

}  // namespace hoplab::proc
