#include <unistd.h>

#include <charconv>
#include <iostream>

#include "cmd/cluster_remove.h"
#include "cmd/cluster_secrets.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "cmd/up_plan.h"
#include "cmd/up_ready.h"
#include "cmd/up_sandbox.h"
#include "runtime/base/text.h"
#include "runtime/proc/sandbox_find.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::cmd {

namespace {

Options make_options() {
  Options options("up", "[-f FILE]",
                  "Starts a cluster in a sandbox of its own. The computer outside is not touched. "
                  "A cluster that is up stays as it is.");
  options.value("file", 'f', "FILE", "cluster file, or a ready-made one: k8s, linux");
  options.value("tunnel", 0, "bpf|tun|veth", "who does IP in IP, instead of the best there is");
  options.flag(
      "dry-run", 'n',
      "print what is done to the hosts and the nodes as commands, with reasons; do nothing");
  options.flag("verbose", 'v', "print the operations while they are done");
  options.value("timeout", 't', "SECONDS", "how long nodes and system pods may take", "60");
  options.flag("no-wait", 0, "do not wait for nodes and system pods");
  options.flag("keep", 0, "when they are not ready in time, leave everything to be looked at");
  options.example("hoplab up", "five hosts, a client and a pretend internet");
  options.example("hoplab up -f linux", "one host and a pretend internet, for the first lessons");
  options.example("hoplab --cluster two up", "a second cluster beside the first");
  options.example("hoplab up --dry-run", "the commands that do the same by hand");
  return options;
}

int print_plan(const plan::ClusterConfig& config) {
  print_namespaces(std::cout, config);
  print_underlay(std::cout, config);
  print_node_plan(std::cout, config);
  return exit_ok;
}

/// True when it is up already; then there is nothing to do.
Result<bool> is_up(const proc::ClusterFolder& folder, const plan::ClusterConfig& config,
                   bool config_given) {
  auto state = folder.state();
  if (!state || !state->alive() || !state->ready) return false;
  // A process that was just killed still counts as alive for some milliseconds, but is silent.
  auto control = proc::SandboxControl::connect(folder.file(proc::control_socket_name));
  if (!control || !control->status()) return false;
  if (config_given && state->config != to_json(config)) {
    return Error(
        ErrorCode::conflict,
        "cluster " + config.name +
            " is up with another cluster file or tunnel\n  end it first: hoplab --cluster " +
            config.name + " down");
  }
  return true;
}

struct Wishes {
  bool config_given = false;
  bool verbose = false;
  bool wait = true;
  bool keep = false;
  Millis timeout{60000};
};

Result<Wishes> read_wishes(const Options& options) {
  Wishes wishes;
  wishes.config_given = options.has("file") || options.has("tunnel");
  wishes.verbose = options.has("verbose");
  wishes.wait = !options.has("no-wait");
  wishes.keep = options.has("keep");
  std::string text = options.get("timeout");
  int seconds = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc() || *end != '\0' || seconds < 1 || seconds > 3600) {
    return Error(ErrorCode::invalid, "--timeout takes 1 to 3600 seconds, not \"" + text + "\"");
  }
  wishes.timeout = std::chrono::seconds(seconds);
  return wishes;
}

/// Tells the progress from the second second on: in one line on a terminal, else line by line.
class Progress {
 public:
  void tell(const std::string& text) {
    if (text == last_) return;
    std::cerr << (terminal_ ? "\r\033[K" : "") << text << (terminal_ ? "" : "\n") << std::flush;
    last_ = text;
  }
  void end() {
    if (terminal_ && !last_.empty()) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string last_;
};

Result<void> wait_until_ready(UpSandbox& sandbox, ReadyWatcher& watcher, Millis timeout) {
  constexpr Millis quiet{1000};
  constexpr Millis step{200};
  HOP_CHECK(watcher.start());
  Progress progress;
  SteadyTime begin = SystemClock().steady();
  for (;;) {
    auto done = sandbox.wait_readable(watcher.fd(), step);
    auto passed = SystemClock().steady() - begin;
    if (!done || *done || passed > timeout) progress.end();
    if (!done) return std::move(done).error();
    if (*done) return {};
    Readiness now = watcher.latest();
    if (passed > timeout) {
      return Error(
          ErrorCode::timed_out,
          str("not ready after ", std::chrono::duration_cast<Millis>(timeout).count() / 1000,
              " s: ", now.summary, now.missing));
    }
    if (passed > quiet) progress.tell("waiting: " + now.summary);
  }
}

/// The kubeconfig, and the wait for nodes and system pods.
Result<void> finish(UpSandbox& sandbox, const plan::ClusterConfig& config, web::ClientConfig admin,
                    const Wishes& wishes) {
  admin.server = str("https://127.0.0.1:", sandbox.api_port());
  HOP_CHECK(write_file(sandbox.folder().file("kubeconfig"),
                       web::kubeconfig_text(config.name, admin), 0600));
  if (!wishes.wait) return sandbox.keep();
  ReadyWatcher watcher(config, admin);
  auto ready = wait_until_ready(sandbox, watcher, wishes.timeout);
  watcher.stop();
  if (ready) return sandbox.keep();
  Error why = std::move(ready).error();
  if (wishes.keep && why.code() == ErrorCode::timed_out) {
    HOP_CHECK(sandbox.keep());
    return Error(why.code(), why.message() + "\n  it is left running: hoplab --cluster " +
                                 config.name + " shell, … down");
  }
  // Its end ends the watcher's requests.
  sandbox.abandon();
  return why;
}

void tell_result(const plan::ClusterConfig& config, const UpSandbox& sandbox, SteadyTime begin) {
  auto took = std::chrono::duration_cast<Millis>(SystemClock().steady() - begin);
  std::cout << "cluster " << config.name << " is up (" << config.hosts.size()
            << (config.hosts.size() == 1 ? " host, " : " hosts, ") << took.count() << " ms)\n";
  if (sandbox.api_port() == 0) return;
  std::cout << "  API https://127.0.0.1:" << sandbox.api_port();
  if (sandbox.api_port() != config.api_port) {
    std::cout << " (port " << config.api_port << " is taken)";
  }
  std::cout << "\n  export KUBECONFIG=" << sandbox.folder().file("kubeconfig") << "\n";
}

Result<void> start(const plan::ClusterConfig& config, const Wishes& wishes) {
  SteadyTime begin = SystemClock().steady();
  HOP_CHECK(check_outside());
  if (const auto variant = tunnel::parse_variant(config.tunnel)) {
    HOP_CHECK(tunnel::can_use(*variant, tunnel::probe()));
  }
  HOP_TRY(std::string executable, proc::own_executable());
  HOP_TRY(Fd signals, catch_interrupts());
  // It may be up already, started from a session with another XDG_RUNTIME_DIR.
  const auto runtime = proc::runtime_with(proc::runtime_folders(), config.name);
  HOP_TRY(auto folder,
          proc::ClusterFolder::make(runtime.value_or(proc::runtime_folder()), config.name));
  HOP_TRY(bool up, is_up(folder, config, wishes.config_given));
  if (up) {
    std::cout << "cluster " << config.name << " is already up\n";
    return {};
  }
  // Something left over: a killed `up`, a killed sandbox-init.
  HOP_CHECK(clear_cluster(folder));
  UpSandbox sandbox(std::move(folder), std::move(signals));
  SandboxSpec spec = make_sandbox_spec(config, executable);
  spec.verbose = wishes.verbose;
  ClusterSecrets secrets;
  if (config.control_plane() != nullptr) {
    HOP_TRY(secrets, make_cluster_secrets(config));
    for (auto& [host, files] : secrets.files) {
      auto& all = spec.files[host];
      std::move(files.begin(), files.end(), std::back_inserter(all));
    }
  }
  if (wishes.verbose) print_namespaces(std::cout, config);
  HOP_CHECK(sandbox.build(std::move(spec)));
  if (wishes.verbose) print_node_plan(std::cout, config);
  if (config.control_plane() != nullptr) {
    HOP_CHECK(finish(sandbox, config, std::move(secrets.admin), wishes));
  } else {
    HOP_CHECK(sandbox.keep());
  }
  tell_result(config, sandbox, begin);
  return {};
}

Result<plan::ClusterConfig> wanted_config(const Invocation& invocation, const Options& options) {
  HOP_TRY(plan::ClusterConfig config, choose_cluster_config(invocation, options.get("file")));
  if (!options.has("tunnel")) return config;
  Json edited = to_json(config);
  edited["tunnel"] = options.get("tunnel");
  return plan::parse_cluster_config(edited, "--tunnel");
}

int run_up(const Invocation& invocation) {
  Options options = make_options();
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto wishes = read_wishes(options);
  if (!wishes) return options.usage_error(wishes.error().message());
  if (options.has("tunnel")) {
    if (auto known = tunnel::check_wish(options.get("tunnel")); !known) {
      return options.usage_error(known.error().message());
    }
  }
  auto config = wanted_config(invocation, options);
  if (!config) return fail(config.error());
  if (options.has("dry-run")) return print_plan(*config);
  auto started = start(*config, *wishes);
  if (!started) return fail(std::move(started).error().context("up"));
  return exit_ok;
}

}  // namespace

extern const Command up_command;
const Command up_command{"up", "start a cluster", run_up};

}  // namespace hoplab::cmd
