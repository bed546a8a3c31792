#include "runtime/proc/node_init_services.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "runtime/base/text.h"
#include "runtime/proc/container_program.h"

namespace hoplab::proc {

namespace {

constexpr Millis first_back_off{100};
constexpr Millis longest_back_off{5000};
constexpr Millis stable_after{10'000};
constexpr off_t log_limit = 4 << 20;
constexpr Millis log_check_period{10'000};

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status)) return str("was killed by signal ", WTERMSIG(wait_status));
  return str("ended with exit code ", WEXITSTATUS(wait_status));
}

/// A service that logs a lot must not fill the memory behind /run. It has the file open, so that is
/// copied, not renamed; what it writes in between is lost.
void shorten_log(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size <= log_limit) return;
  std::error_code ignored;  // Without a copy, still: the memory counts more.
  std::filesystem::copy_file(path, path + ".1", std::filesystem::copy_options::overwrite_existing,
                             ignored);
  std::filesystem::resize_file(path, 0, ignored);
}

std::vector<EnvVar> inherited_environment() {
  std::vector<EnvVar> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    env.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
  }
  return env;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

ServiceSupervisor::ServiceSupervisor(EventLoop& loop, Log log, const NodeConfig& config)
    : loop_(loop), log_(std::move(log)), log_directory_(config.state_directory + "/log") {
  for (const ServiceSpec& spec : config.services) services_.push_back({spec, 0, {}, Millis(0)});
}

void ServiceSupervisor::start_all() {
  ::mkdir(log_directory_.c_str(), 0755);
  for (Service& service : services_) start(service);
  keep_logs_short();
}

std::string ServiceSupervisor::log_of(const ServiceSpec& spec) const {
  return log_directory_ + "/" + spec.name + ".log";
}

void ServiceSupervisor::keep_logs_short() {
  for (const Service& service : services_) shorten_log(log_of(service.spec));
  loop_.after(log_check_period, [this] { keep_logs_short(); });
}

Result<pid_t> ServiceSupervisor::spawn(const ServiceSpec& spec) const {
  HOP_TRY(Fd log, open_fd(log_of(spec), O_WRONLY | O_CREAT | O_APPEND, 0640));
  std::vector<EnvVar> env = inherited_environment();
  env.insert(env.end(), spec.env.begin(), spec.env.end());
  std::vector<std::string> environment = environment_block(env);
  std::vector<std::string> args = spec.argv;

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, log.get(), 1);
  ::posix_spawn_file_actions_adddup2(&files, log.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  pid_t pid = 0;
  int error = ::posix_spawn(&pid, args[0].c_str(), &files, &attributes, pointers(args).data(),
                            pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) return Error::from_errno(error, "starting " + args[0]);
  return pid;
}

void ServiceSupervisor::start(Service& service) {
  auto pid = spawn(service.spec);
  service.started_at = SystemClock().steady();
  if (!pid) {
    log_.error("service " + service.spec.name, pid.error());
    return start_later(service);
  }
  service.pid = *pid;
  log_.info(str("service ", service.spec.name, " runs as process ", service.pid));
}

void ServiceSupervisor::start_later(Service& service) {
  if (stopping_) return;
  bool was_stable = SystemClock().steady() - service.started_at >= stable_after;
  service.back_off = was_stable || service.back_off.count() == 0
                         ? first_back_off
                         : std::min(service.back_off * 2, longest_back_off);
  loop_.after(service.back_off, [this, &service] {
    if (!stopping_) start(service);
  });
}

bool ServiceSupervisor::child_exited(pid_t pid, int wait_status) {
  for (Service& service : services_) {
    if (service.pid != pid) continue;
    service.pid = 0;
    log_.warning("service " + service.spec.name + " " + how_it_ended(wait_status));
    start_later(service);
    return true;
  }
  return false;
}

void ServiceSupervisor::stop_all() {
  stopping_ = true;
  for (Service& service : services_) {
    if (service.pid > 0) ::kill(service.pid, SIGKILL);
  }
}

}  // namespace hoplab::proc
