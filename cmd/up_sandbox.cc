#include "cmd/up_sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "cmd/cluster_remove.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr Millis build_timeout{30000};

/// The last lines of a log, for an error that has nothing else to say.
std::string tail(const std::string& path) {
  auto text = read_file(path);
  if (!text) return {};
  constexpr size_t most = 1000;
  auto rest = trim(*text);
  if (rest.size() > most) rest.remove_prefix(rest.size() - most);
  return rest.empty() ? std::string() : "\n  its last words:\n" + std::string(rest);
}

}  // namespace

Result<Fd> catch_interrupts() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Error::from_errno(errno, "blocking signals");
  }
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno(errno, "making a signalfd");
  return fd;
}

UpSandbox::UpSandbox(proc::ClusterFolder folder, Fd signals)
    : folder_(std::move(folder)), signals_(std::move(signals)) {}

UpSandbox::~UpSandbox() {
  abandon();
}

void UpSandbox::abandon() {
  if (kept_ || gone_) return;
  gone_ = true;
  if (sandbox_) {
    ::syscall(SYS_pidfd_send_signal, sandbox_->pidfd.get(), SIGKILL, nullptr, 0);
    while (::waitpid(sandbox_->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  auto cleared = clear_cluster(folder_);
  auto removed = cleared ? folder_.remove() : std::move(cleared);
  if (!removed) {
    std::cerr << "hoplab: " << removed.error().message() << "\n";
  }
}

Result<std::vector<Fd>> UpSandbox::open_listeners(const SandboxSpec& spec) {
  std::vector<Fd> listeners;
  HOP_TRY(Fd control, proc::listen_for_control(folder_.file(proc::control_socket_name)));
  listeners.push_back(std::move(control));
  if (spec.config.control_plane() != nullptr) {
    HOP_TRY(auto api, proc::listen_on_loopback(spec.config.api_port));
    state_.api_port = api.port;
    listeners.push_back(std::move(api.fd));
  }
  return listeners;
}

Result<void> UpSandbox::build(SandboxSpec spec) {
  HOP_TRY(auto listeners, open_listeners(spec));
  HOP_TRY(Fd log, open_fd(folder_.file("sandbox.log"), O_RDWR | O_CREAT | O_APPEND, 0600));
  HOP_TRY(sandbox_, proc::create_sandbox(spec.executable, log));
  // tcpdump insists on becoming another user, whom a single-id map does not have.
  bool single_id = !sandbox_->ids.uid_range || !sandbox_->ids.gid_range;
  bool linked = std::find(spec.tools.begin(), spec.tools.end(), "tcpdump") != spec.tools.end();
  if (single_id && !linked && has_command("tcpdump")) spec.tools.emplace_back("tcpdump");
  spec.user_namespace = sandbox_->user_namespace;
  state_.name = spec.config.name;
  state_.pid = sandbox_->pid;
  state_.start_time = proc::process_start_time(sandbox_->pid).value_or(0);
  state_.created = to_rfc3339(SystemClock().wall());
  state_.config = to_json(spec.config);
  HOP_CHECK(folder_.write_state(state_));
  std::vector<int> descriptors;
  for (const auto& listener : listeners) descriptors.push_back(listener.get());
  if (!sandbox_->channel.send(to_json(spec), descriptors)) return sandbox_ended();
  SteadyTime end = SystemClock().steady() + build_timeout;
  for (;;) {
    auto left = std::chrono::ceil<Millis>(end - SystemClock().steady());
    if (left.count() <= 0) break;
    HOP_TRY(bool spoken, wait_readable(sandbox_->channel.fd(), left));
    if (!spoken) break;
    HOP_TRY(bool built, hear());
    if (built) return {};
  }
  return Error(ErrorCode::timed_out,
               "the sandbox was not built in time" + tail(folder_.file("sandbox.log")));
}

Result<bool> UpSandbox::wait_readable(int fd, Millis time) {
  SteadyTime end = SystemClock().steady() + time;
  for (;;) {
    auto left = std::chrono::ceil<Millis>(end - SystemClock().steady()).count();
    if (left <= 0) return false;
    std::array<pollfd, 3> waiting{pollfd{fd, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0},
                                  pollfd{sandbox_->pidfd.get(), POLLIN, 0}};
    int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return Error::from_errno(errno, "waiting for the sandbox");
    if (ready <= 0) continue;
    HOP_CHECK(check_signals(waiting[1].revents));
    if (waiting[0].revents != 0) return true;
    if (waiting[2].revents != 0) return sandbox_ended();
  }
}

Result<void> UpSandbox::check_signals(short revents) {
  if (revents == 0) return {};
  signalfd_siginfo info{};
  [[maybe_unused]] auto n = ::read(signals_.get(), &info, sizeof(info));
  return Error(ErrorCode::unavailable,
               str("interrupted (", ::strsignal(static_cast<int>(info.ssi_signo)),
                   "); what was made is removed again"));
}

/// Takes what the sandbox has said; true when it is built.
Result<bool> UpSandbox::hear() {
  for (;;) {
    auto message = sandbox_->channel.receive_ready();
    if (!message) return sandbox_ended();
    if (!*message) return false;
    const Json& body = (*message)->body;
    if (auto error = proc::error_from_json(body)) return *std::move(error);
    std::string event = string_or(body, "event");
    if (event == "built") return true;
    if (event == "operation") {
      std::cout << "# " << string_or(body, "reason") << "\n" << string_or(body, "command") << "\n";
    }
  }
}

Error UpSandbox::sandbox_ended() const {
  return Error(ErrorCode::internal,
               "sandbox-init ended unexpectedly" + tail(folder_.file("sandbox.log")));
}

Result<void> UpSandbox::keep() {
  state_.ready = true;
  HOP_CHECK(folder_.write_state(state_));
  if (!sandbox_->channel.send({{"request", "stay"}})) return sandbox_ended();
  kept_ = true;
  return {};
}

}  // namespace hoplab::cmd
