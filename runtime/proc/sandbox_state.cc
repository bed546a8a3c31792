#include "runtime/proc/sandbox_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "runtime/base/text.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::proc {

namespace fs = std::filesystem;

namespace {

constexpr int end_timeout_ms = 10000;

/// Makes `path` if needed. It must be ours and closed to others: in /tmp anyone may have been
/// there first.
Result<void> make_own_folder(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST) {
    return Error::from_errno(errno, "making folder " + path);
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Error::from_errno(errno, "looking at " + path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 022U) != 0) {
    return Error(ErrorCode::forbidden,
                 path + " is not a folder that belongs to you alone; remove it and try again");
  }
  return {};
}

/// Waiting may take as long as another command does, so it can be interrupted even where the caller
/// has blocked signals. Nothing of ours is there yet.
Result<void> wait_for_lock(const Fd& fd, const std::string& path) {
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return {};
  sigset_t none;
  sigset_t before;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, &before);
  int done = 0;
  do {
    done = ::flock(fd.get(), LOCK_EX);
  } while (done != 0 && errno == EINTR);
  int why = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (done != 0) return Error::from_errno(why, "locking " + path);
  return {};
}

/// The locked folder; nullopt when it is (or was just) removed.
Result<std::optional<Fd>> lock_folder(const std::string& path) {
  auto fd = open_fd(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd && fd.error().sys_errno() == ENOENT) return std::optional<Fd>{};
  if (!fd) return std::move(fd).error();
  HOP_CHECK(wait_for_lock(*fd, path));
  struct stat held {};
  struct stat there {};
  bool same = ::fstat(fd->get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
              held.st_ino == there.st_ino && held.st_dev == there.st_dev;
  if (!same) return std::optional<Fd>{};
  return std::optional<Fd>(*std::move(fd));
}

std::string by_descriptor(const Fd& fd) {
  return str("/proc/self/fd/", fd.get());
}

}  // namespace

std::string runtime_folder() {
  if (::geteuid() == 0) return "/run/hoplab";
  const char* xdg = std::getenv("XDG_RUNTIME_DIR");
  if (xdg != nullptr && *xdg == '/' && ::access(xdg, W_OK | X_OK) == 0) {
    return std::string(xdg) + "/hoplab";
  }
  return str("/tmp/hoplab-", ::geteuid());
}

bool SandboxState::alive() const {
  return pid > 0 && process_start_time(pid) == start_time;
}

Json to_json(const SandboxState& state) {
  return {{"name", state.name},        {"pid", state.pid},     {"startTime", state.start_time},
          {"apiPort", state.api_port}, {"ready", state.ready}, {"created", state.created},
          {"config", state.config}};
}

Result<SandboxState> parse_sandbox_state(const Json& json) {
  SandboxState state;
  state.name = string_or(json, "name");
  state.pid = static_cast<pid_t>(int_or(json, "pid", -1));
  state.start_time = static_cast<uint64_t>(int_or(json, "startTime"));
  state.api_port = static_cast<uint16_t>(int_or(json, "apiPort"));
  state.ready = bool_or(json, "ready");
  state.created = string_or(json, "created");
  state.config = member(json, "config");
  if (state.name.empty() || state.pid <= 0) {
    return Error(ErrorCode::invalid, "state.json: name or pid is missing");
  }
  return state;
}

Result<ClusterFolder> ClusterFolder::make(const std::string& runtime, const std::string& cluster) {
  // Another command may remove the folders between our steps; then the steps are done again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    HOP_CHECK(make_own_folder(runtime, 0755));
    auto made = make_own_folder(runtime + "/" + cluster, 0700);
    if (!made && made.error().sys_errno() == ENOENT) continue;
    HOP_CHECK(std::move(made));
    ClusterFolder folder;
    folder.path_ = runtime + "/" + cluster;
    HOP_TRY(auto fd, lock_folder(folder.path_));
    if (!fd) continue;
    folder.fd_ = *std::move(fd);
    return folder;
  }
  return Error(ErrorCode::unavailable, runtime + "/" + cluster + " keeps being removed");
}

Result<std::optional<ClusterFolder>> ClusterFolder::find(const std::string& runtime,
                                                         const std::string& cluster) {
  ClusterFolder folder;
  folder.path_ = runtime + "/" + cluster;
  HOP_TRY(auto fd, lock_folder(folder.path_));
  if (!fd) return std::optional<ClusterFolder>{};
  folder.fd_ = *std::move(fd);
  return std::optional<ClusterFolder>(std::move(folder));
}

std::string ClusterFolder::file(std::string_view name) const {
  return str(path_, '/', name);
}

std::optional<SandboxState> ClusterFolder::state() const {
  auto text = read_file(by_descriptor(fd_) + "/state.json");
  if (!text) return std::nullopt;
  auto json = parse_json(*text);
  if (!json) return std::nullopt;
  auto state = parse_sandbox_state(*json);
  if (!state) return std::nullopt;
  return *std::move(state);
}

Result<void> ClusterFolder::write_state(const SandboxState& state) const {
  return replace_file(file("state.json"), dump_json_pretty(to_json(state)) + "\n", 0600);
}

Result<void> ClusterFolder::clear() const {
  std::error_code ec;
  for (fs::directory_iterator it(by_descriptor(fd_), ec), end; !ec && it != end; it.increment(ec)) {
    fs::remove_all(it->path(), ec);
  }
  if (ec) return Error::from_errno(ec.value(), "emptying " + path_);
  return {};
}

Result<void> ClusterFolder::remove() const {
  HOP_CHECK(clear());
  if (::rmdir(path_.c_str()) != 0 && errno != ENOENT) {
    return Error::from_errno(errno, "removing " + path_);
  }
  // Fails while other clusters are there; then it has to stay.
  ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
  return {};
}

Result<SandboxState> read_sandbox_state(const std::string& runtime, const std::string& cluster) {
  auto text = read_file(runtime + "/" + cluster + "/state.json");
  if (!text && text.error().sys_errno() == ENOENT) {
    return Error(ErrorCode::not_found, "cluster " + cluster + " is not up");
  }
  if (!text) return std::move(text).error();
  HOP_TRY(Json json, parse_json(*text).context(runtime + "/" + cluster + "/state.json"));
  return parse_sandbox_state(json);
}

std::vector<std::string> cluster_names(const std::string& runtime) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(runtime, ec), end; !ec && it != end; it.increment(ec)) {
    if (it->is_directory(ec)) names.push_back(it->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> end_sandbox(const SandboxState& state) {
  if (state.pid <= 0) return {};
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, state.pid, 0)));
  if (!pidfd) {
    if (errno == ESRCH) return {};
    return Error::from_errno(errno, str("looking for process ", state.pid));
  }
  // Checked after opening: from here on the descriptor cannot mean another process.
  if (!state.alive()) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return Error::from_errno(errno, str("ending sandbox-init (process ", state.pid, ")"));
  }
  // The kernel ends and reaps everything in the pid namespace before its pid 1 counts as ended.
  if (!wait_for_end(pidfd, end_timeout_ms)) {
    return Error(ErrorCode::timed_out,
                 str("sandbox-init (process ", state.pid, ") was killed but does not end"));
  }
  return {};
}

}  // namespace hoplab::proc
