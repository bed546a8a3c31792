// sandbox-init: pid 1 of a sandbox. Builds it as `up` says, then keeps it: answers on sandbox.sock,
// reaps, starts again what ends. When it ends, the kernel ends everything in the sandbox.

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <list>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/sandbox_hosts.h"
#include "cmd/sandbox_server.h"
#include "cmd/sandbox_spec.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_wire.h"
#include "runtime/proc/log_tail.h"
#include "runtime/proc/sandbox_create.h"
#include "runtime/proc/sandbox_mounts.h"
#include "runtime/proc/userns.h"

namespace hoplab::cmd {

namespace {

constexpr size_t most_clients = 256;
constexpr Millis log_check_period{10'000};

Result<Fd> watch_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigaddset(&signals, SIGTERM);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Error::from_errno(errno, "blocking signals");
  }
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno(errno, "making a signalfd");
  return fd;
}

class SandboxInit {
 public:
  SandboxInit(SandboxSpec spec, proc::MessageSocket up, std::vector<Fd> listeners, Fd signals)
      : spec_(std::move(spec)),
        up_(std::move(up)),
        signals_(std::move(signals)),
        control_(std::move(listeners.front())),
        hosts_(spec_, log_.named("hosts"), [this](const Operation& each) { show(each); }),
        server_(spec_, log_.named("server"),
                listeners.size() > 1 ? std::move(listeners[1]) : Fd()) {}

  Result<void> build() {
    HOP_CHECK(proc::prepare_sandbox_mounts(spec_.executable, spec_.tools, spec_.user_namespace));
    if (::sethostname("sandbox", 7) != 0) return Error::from_errno(errno, "naming the sandbox");
    HOP_CHECK(proc::write_files(proc::inside::root, sandbox_files()));
    auto wired = [this] { return server_.listen_inside(hosts_); };
    auto master_runs = [this] { server_.start_if_due(hosts_, SystemClock().steady()); };
    HOP_CHECK(hosts_.build(wired, master_runs));
    return up_.send({{"event", "built"}});
  }

  proc::MessageSocket& up() { return up_; }

  /// Until `down`, SIGTERM or (before `up` has said "stay") the end of `up`.
  void loop() {
    while (!leave_) {
      std::vector<pollfd> waiting{{signals_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
      if (up_watched_) waiting.push_back({up_.fd(), POLLIN, 0});
      for (const auto& client : clients_) waiting.push_back({client.fd(), POLLIN, 0});
      if (::poll(waiting.data(), waiting.size(), timeout()) < 0 && errno != EINTR) {
        log_.error("waiting", Error::from_errno(errno, "poll"));
        return;
      }
      take_signals();
      if (up_watched_) hear_up();
      for (auto it = clients_.begin(); it != clients_.end();) {
        it = answer(*it) ? std::next(it) : clients_.erase(it);
      }
      accept_clients();
      SteadyTime now = SystemClock().steady();
      hosts_.restart_due(now);
      server_.start_if_due(hosts_, now);
      watch_log(now);
    }
  }

 private:
  /// The outside view has a home and a shell start-up file like the hosts.
  std::vector<proc::HostFile> sandbox_files() const {
    std::vector<proc::HostFile> files;
    auto it = spec_.files.find(spec_.config.default_host().name);
    if (it == spec_.files.end()) return files;
    for (const auto& file : it->second) {
      if (file.path == "bashrc" || file.path.starts_with("home/") || file.path == "kubeconfig") {
        files.push_back(file);
      }
    }
    return files;
  }

  void show(const Operation& operation) {
    if (!spec_.verbose) return;
    // Telling is a courtesy; the work goes on without it.
    [[maybe_unused]] auto sent = up_.send(
        {{"event", "operation"}, {"command", to_command(operation)}, {"reason", operation.reason}});
  }

  /// sandbox.log, which is our standard error and that of all we start.
  void watch_log(SteadyTime now) {
    if (now < log_check_at_) return;
    log_check_at_ = now + log_check_period;
    if (auto kept = proc::keep_log_tail(STDERR_FILENO); !kept) {
      log_.error("sandbox.log", kept.error());
    }
  }

  [[nodiscard]] int timeout() const {
    SteadyTime next = log_check_at_;
    if (auto restart = hosts_.next_restart()) next = std::min(next, *restart);
    if (auto server = server_.next_start(hosts_)) next = std::min(next, *server);
    auto left = std::chrono::ceil<Millis>(next - SystemClock().steady()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, 60000));
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo == SIGTERM) leave_ = true;
    }
    SteadyTime now = SystemClock().steady();
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (!hosts_.ended(pid, now)) server_.ended(pid, status, now);
    }
  }

  void hear_up() {
    auto message = up_.receive_ready();
    if (message && !*message) return;
    up_watched_ = false;
    if (message && string_or((*message)->body, "request") == "stay") return;
    log_.warning("`up` ended before the cluster was ready; the sandbox goes too");
    leave_ = true;
  }

  void accept_clients() {
    for (;;) {
      Fd fd(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) return;
      if (clients_.size() < most_clients) clients_.emplace_back(std::move(fd));
    }
  }

  /// False when the client is done, or does not read its answers: nobody may hold us up.
  bool answer(proc::MessageSocket& client) {
    auto message = client.receive_ready();
    if (!message) return false;
    if (!*message) return true;
    const Json& body = (*message)->body;
    std::string request = string_or(body, "request");
    Result<void> sent;
    if (request == "status") {
      sent = client.queue(
          {{"name", spec_.config.name}, {"hosts", hosts_.status()}, {"server", server_.status()}});
    } else if (request == "enter") {
      sent = let_in(client, string_or(body, "host"));
    } else if (request == "down") {
      leave_ = true;
      sent = client.queue(Json::object());
    } else {
      sent = Error(ErrorCode::bad_request, "unknown request \"" + request + "\"");
    }
    if (!sent) sent = client.queue(proc::error_to_json(sent.error()));
    return sent.ok() && !client.wants_to_write();
  }

  Result<void> let_in(proc::MessageSocket& client, const std::string& name) {
    const proc::Host* host = name.empty() ? nullptr : hosts_.find(name);
    if (!name.empty() && host == nullptr) {
      bool known = spec_.config.find_host(name) != nullptr;
      return Error(known ? ErrorCode::unavailable : ErrorCode::not_found,
                   str("host ", name,
                       known ? " is switched off just now; it starts again soon"
                             : " does not exist in this cluster"));
    }
    // Of our own process for the outside view, which every host shares the user namespace with.
    std::vector<std::string> own_kinds;
    if (spec_.user_namespace) own_kinds.emplace_back("user");
    if (host == nullptr) {
      const auto& all = proc::host_namespace_kinds();
      own_kinds.insert(own_kinds.end(), all.begin(), all.end());
    }
    HOP_TRY(auto own, proc::NamespaceSet::open(::getpid(), own_kinds));
    std::vector<const proc::NamespaceSet*> sets{&own};
    if (host != nullptr) sets.push_back(&host->namespaces);
    Json kinds = Json::array();
    std::vector<Fd> descriptors;
    for (const auto* set : sets) {
      for (const auto& entry : set->entries()) {
        HOP_TRY(Fd copy, entry.fd.duplicate());
        kinds.push_back(entry.kind);
        descriptors.push_back(std::move(copy));
      }
    }
    return client.queue({{"host", name}, {"namespaces", kinds}}, std::move(descriptors));
  }

  Log log_{"sandbox-init"};
  SandboxSpec spec_;
  proc::MessageSocket up_;
  bool up_watched_ = true;
  Fd signals_;
  Fd control_;
  SandboxHosts hosts_;
  SandboxServer server_;
  std::list<proc::MessageSocket> clients_;
  bool leave_ = false;
  SteadyTime log_check_at_{};
};

/// Hosts, their namespaces and every pod's sockets are descriptors somewhere.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<void> build_and_keep(proc::MessageSocket& up) {
  HOP_TRY(Fd signals, watch_signals());
  HOP_TRY(auto first, up.receive(Millis(60000)));
  if (!first) return Error(ErrorCode::timed_out, "sandbox-init: nothing came from `up`");
  if (first->descriptors.empty()) return Error(ErrorCode::internal, "no control listener came");
  HOP_TRY(SandboxSpec spec, parse_sandbox_spec(first->body));
  SandboxInit init(std::move(spec), std::move(up), std::move(first->descriptors),
                   std::move(signals));
  if (auto built = init.build(); !built) {
    up = std::move(init.up());
    return proc::with_userns_explanation(std::move(built).error());
  }
  init.loop();
  return {};
}

int run_sandbox_init(const Invocation&) {
  if (::getpid() != 1) {
    return fail(Error(ErrorCode::invalid, "sandbox-init is started by `hoplab up` only"));
  }
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);
  proc::MessageSocket up{Fd(proc::up_channel_number)};
  auto kept = build_and_keep(up);
  if (kept) return exit_ok;
  [[maybe_unused]] auto told = up.send(proc::error_to_json(kept.error()));
  return fail(kept.error());
}

}  // namespace

extern const Command sandbox_init_command;
const Command sandbox_init_command{"sandbox-init", "pid 1 of a sandbox", run_sandbox_init, true};

}  // namespace hoplab::cmd
