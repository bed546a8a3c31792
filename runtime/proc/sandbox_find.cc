#include "runtime/proc/sandbox_find.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "runtime/base/text.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::proc {

namespace fs = std::filesystem;

namespace {

/// In /tmp anybody may have made a folder under our name.
bool is_ours_alone(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 022U) == 0;
}

std::optional<pid_t> pid_of(const std::string& name) {
  pid_t pid = 0;
  auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (failed != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

bool writes_to(pid_t pid, const struct stat& log) {
  struct stat info {};
  return ::stat(str("/proc/", pid, "/fd/2").c_str(), &info) == 0 && info.st_ino == log.st_ino &&
         info.st_dev == log.st_dev;
}

/// "NSpid:  4711  1": our number for it, and that it is the first below.
bool is_first_below(pid_t pid) {
  auto status = read_file(str("/proc/", pid, "/status"), 1U << 16U);
  if (!status) return false;
  for (std::string_view line : split(*status, '\n')) {
    if (!line.starts_with("NSpid:")) continue;
    auto numbers = words(line);
    return numbers.size() == 3 && numbers[2] == "1";
  }
  return false;
}

}  // namespace

std::vector<std::string> possible_runtime_folders(uid_t user, const char* xdg) {
  if (user == 0) return {"/run/hoplab"};
  std::vector<std::string> out;
  const auto add = [&out](std::string folder) {
    if (std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(std::move(folder));
  };
  if (xdg != nullptr && *xdg == '/') add(str(xdg, "/hoplab"));
  add(str("/run/user/", user, "/hoplab"));
  add(str("/tmp/hoplab-", user));
  return out;
}

std::vector<std::string> runtime_folders() {
  std::vector<std::string> out{runtime_folder()};
  for (auto& each : possible_runtime_folders(::geteuid(), std::getenv("XDG_RUNTIME_DIR"))) {
    if (each != out.front() && is_ours_alone(each)) out.push_back(std::move(each));
  }
  return out;
}

std::optional<std::string> runtime_with(const std::vector<std::string>& runtimes,
                                        const std::string& cluster) {
  for (const std::string& each : runtimes) {
    auto state = read_sandbox_state(each, cluster);
    if (state && state->alive()) return each;
  }
  for (const std::string& each : runtimes) {
    std::error_code ignored;
    if (fs::is_directory(str(each, "/", cluster), ignored)) return each;
  }
  return std::nullopt;
}

std::optional<SandboxState> find_sandbox_process(const ClusterFolder& folder) {
  struct stat log {};
  if (::fstatat(folder.descriptor().get(), "sandbox.log", &log, 0) != 0) return std::nullopt;
  std::error_code code;
  for (fs::directory_iterator it("/proc", code), end; !code && it != end; it.increment(code)) {
    auto pid = pid_of(it->path().filename());
    // Two looks that may see two processes: the start time is taken before both.
    auto started = pid ? process_start_time(*pid) : std::nullopt;
    if (!started || !writes_to(*pid, log) || !is_first_below(*pid)) continue;
    SandboxState state;
    state.name = folder.name();
    state.pid = *pid;
    state.start_time = *started;
    return state;
  }
  return std::nullopt;
}

}  // namespace hoplab::proc
