// The program of the built-in image nginx: a master that keeps two workers, as ps shows them.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <thread>

#include "cmd/command.h"
#include "cmd/image_nginx_site.h"
#include "cmd/image_web.h"
#include "cmd/process_title.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr int workers = 2;
constexpr uint32_t nginx_id = 101;  ///< User and group in the image's /etc/passwd.
constexpr const char* site_root = "/usr/share/nginx/html";
constexpr const char* pid_file = "/run/nginx.pid";

constexpr const char* usage =
    "nginx version: nginx/1.21.6 (hoplab's own server with nginx's looks)\n"
    "Usage: nginx [-?hvVtq] [-s signal] [-c filename] [-g directives]\n"
    "\nOptions:\n"
    "  -?,-h         : this help\n"
    "  -v, -V        : show version and exit\n"
    "  -t            : test configuration and exit\n"
    "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
    "  -c filename   : accepted; the configuration is fixed\n"
    "  -g directives : accepted; \"daemon off;\" keeps it in the foreground, as always here\n";

void notice(std::string_view level, std::string_view text) {
  (void)write_all(2, nginx_log_line(SystemClock().wall(), level, text)).ok();
}

/// As nginx: five attempts, half a second apart.
Result<Fd> bind_with_patience() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(Millis(500));
    auto listener = web::listen_tcp(Ipv4(), 80);
    if (listener) return listener;
    int error = listener.error().sys_errno();
    notice("emerg", str("bind() to 0.0.0.0:80 failed (", error, ": ", std::strerror(error), ")"));
    if (error != EADDRINUSE) break;
  }
  return Error(ErrorCode::unavailable, "still could not bind()");
}

[[noreturn]] void be_worker(const Fd& listener) {
  set_process_title("nginx: worker process");
  // Where the sandbox knows only one user, workers stay what they are.
  if (::setgid(nginx_id) == 0) (void)!::setuid(nginx_id);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  NginxSite site(site_root, 1, 2);
  auto ended = serve_until_signal(site, listener);
  if (!ended) notice("emerg", ended.error().message());
  ::_exit(ended ? 0 : 1);
}

class Master {
 public:
  explicit Master(Fd listener) : listener_(std::move(listener)) {
    ::sigemptyset(&signals_);
    for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1}) {
      ::sigaddset(&signals_, signal);
    }
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }

  int run() {
    notice("notice", str("nginx/", nginx_version));
    notice("notice", "start worker processes");
    for (pid_t& pid : pids_) pid = start_worker();
    for (;;) {
      int signal = 0;
      ::sigwait(&signals_, &signal);
      if (signal == SIGCHLD) reap(true);
      if (signal == SIGHUP) reload();
      if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT) return stop(signal);
    }
  }

 private:
  pid_t start_worker() {
    pid_t pid = ::fork();
    if (pid == 0) be_worker(listener_);
    notice("notice", str("start worker process ", pid));
    return pid;
  }

  void reap(bool replace) {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (WIFSIGNALED(status)) {
        notice("alert", str("worker process ", pid, " exited on signal ", WTERMSIG(status)));
      }
      for (pid_t& worker : pids_) {
        if (worker == pid) worker = replace ? start_worker() : 0;
      }
    }
  }

  void reload() {
    notice("notice", "reconfiguring");
    std::array<pid_t, workers> old = pids_;
    for (pid_t& pid : pids_) pid = start_worker();
    for (pid_t pid : old) ::kill(pid, SIGQUIT);
  }

  int stop(int signal) {
    notice("notice", str("signal ", signal, signal == SIGQUIT ? " (SIGQUIT)" : "", " received, ",
                         signal == SIGQUIT ? "shutting down" : "exiting"));
    for (pid_t pid : pids_) ::kill(pid, signal);
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    ::unlink(pid_file);
    notice("notice", "exit");
    return exit_ok;
  }

  Fd listener_;
  sigset_t signals_{};
  std::array<pid_t, workers> pids_{};
};

/// `nginx -s reload`
int send_signal(const std::string& name) {
  const std::pair<const char*, int> known[] = {
      {"stop", SIGTERM}, {"quit", SIGQUIT}, {"reload", SIGHUP}, {"reopen", SIGUSR1}};
  for (const auto& [word, signal] : known) {
    if (name != word) continue;
    auto text = read_file(pid_file);
    if (!text || ::kill(static_cast<pid_t>(std::atoi(text->c_str())), signal) != 0) {
      std::cerr << "nginx: [error] no master process: " << pid_file << "\n";
      return exit_failure;
    }
    return exit_ok;
  }
  std::cerr << "nginx: invalid option: \"-s " << name << "\"\n";
  return exit_failure;
}

int run_image_nginx(const Invocation& invocation) {
  for (size_t i = 0; i < invocation.args.size(); ++i) {
    const std::string& arg = invocation.args[i];
    bool has_value = i + 1 < invocation.args.size();
    if (arg == "-h" || arg == "-?" || arg == "--help") {
      std::cout << usage;
      return exit_ok;
    }
    if (arg == "-v" || arg == "-V") {
      std::cerr << "nginx version: nginx/" << nginx_version << "\n";
      return exit_ok;
    }
    if (arg == "-t") {
      std::cerr << "nginx: configuration file /etc/nginx/nginx.conf test is successful\n";
      return exit_ok;
    }
    if (arg == "-s" && has_value) return send_signal(invocation.args[i + 1]);
    if ((arg == "-g" || arg == "-c" || arg == "-p" || arg == "-e") && has_value) {
      ++i;
    } else if (arg != "-q") {
      std::cerr << "nginx: invalid option: \"" << arg << "\"\n";
      return exit_failure;
    }
  }
  auto listener = bind_with_patience();
  if (!listener) {
    notice("emerg", listener.error().message());
    return exit_failure;
  }
  (void)replace_file(pid_file, str(::getpid(), "\n")).ok();
  std::string title = "nginx: master process nginx";
  for (const std::string& arg : invocation.args) title += " " + arg;
  set_process_title(title);
  return Master(*std::move(listener)).run();
}

}  // namespace

extern const Command nginx_command;
const Command nginx_command{"nginx", "the image nginx", run_image_nginx, true};

}  // namespace hoplab::cmd
