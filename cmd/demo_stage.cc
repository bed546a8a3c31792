#include "cmd/demo_stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iomanip>
#include <iostream>

#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr Millis longest_command{60'000};

SteadyTime now() {
  return SystemClock().steady();
}

sigset_t interrupts() {
  sigset_t out;
  ::sigemptyset(&out);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&out, signal);
  return out;
}

}  // namespace

Result<DemoStage> DemoStage::open(std::string executable, std::string cluster) {
  const sigset_t signals = interrupts();
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Error::from_errno(errno, "blocking signals");
  }
  // Whoever reads our output may end first (a pager): the cluster must go down all the same.
  ::signal(SIGPIPE, SIG_IGN);
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno(errno, "making a signalfd");
  return DemoStage(std::move(executable), std::move(cluster), std::move(fd));
}

DemoStage::DemoStage(std::string executable, std::string cluster, Fd signals)
    : executable_(std::move(executable)),
      cluster_(std::move(cluster)),
      colour_(::isatty(1) == 1),
      started_(now()),
      signals_(std::move(signals)) {}

/// Starts the program with `input` (-1: nothing) as standard input and both outputs into `output`.
Result<pid_t> DemoStage::spawn(const std::vector<std::string>& args, int input, int output) const {
  if (interrupted_ && !finale_) return Error(ErrorCode::unavailable, "interrupted");
  std::vector<char*> argv;
  for (const auto& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid < 0) return Error::from_errno(errno, "starting " + args.front());
  if (pid == 0) {
    // A group of its own: Ctrl-C reaches only us, and we decide what it means for the command.
    ::setpgid(0, 0);
    const sigset_t signals = interrupts();
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    // Never the terminal: a group in the background that asks it for anything is stopped.
    ::dup2(input >= 0 ? input : ::open("/dev/null", O_RDONLY), 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  return pid;
}

DemoStage::Progress DemoStage::read(const Fd& output, std::string& text, const std::string& part,
                                    Millis timeout) {
  const SteadyTime deadline = now() + timeout;
  std::array<char, 65536> chunk;
  while (part.empty() || text.find(part) == std::string::npos) {
    auto left = std::chrono::duration_cast<Millis>(deadline - now());
    if (left.count() <= 0) return Progress::timed_out;
    std::array<pollfd, 2> ready{pollfd{output.get(), POLLIN, 0},
                                pollfd{finale_ ? -1 : signals_.get(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) <= 0) continue;
    if (ready[1].revents != 0) {
      interrupted_ = true;
      return Progress::interrupted;
    }
    ssize_t n = ::read(output.get(), chunk.data(), chunk.size());
    if (n <= 0) return Progress::ended;
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  return Progress::found;
}

std::vector<std::string> DemoStage::full(const std::vector<std::string>& args) const {
  std::vector<std::string> out{executable_, "--cluster", cluster_};
  out.insert(out.end(), args.begin(), args.end());
  return out;
}

void DemoStage::close_row() {
  if (row_open_) rows_.back().took = std::chrono::duration_cast<Millis>(now() - row_started_);
  row_open_ = false;
}

void DemoStage::chapter(const std::string& title, const std::string& explanation) {
  close_row();
  rows_.push_back({title, Millis(0)});
  row_started_ = now();
  row_open_ = true;
  const char* bold = colour_ ? "\033[1m" : "";
  const char* plain = colour_ ? "\033[0m" : "";
  std::cout << "\n" << bold << "== " << title << plain << "\n" << explanation << "\n" << std::flush;
}

Result<std::string> DemoStage::run(const std::vector<std::string>& args, const std::string& input) {
  std::string shown;
  for (const auto& arg : args) shown += " " + shell_quote(arg);
  std::cout << (colour_ ? "\033[36m" : "") << "$ hoplab" << shown << (colour_ ? "\033[0m" : "")
            << "\n"
            << std::flush;
  HOP_TRY(Pipe out, make_pipe());
  HOP_TRY(Pipe in, make_pipe());
  HOP_TRY(pid_t pid, spawn(full(args), in.read_end.get(), out.write_end.get()));
  Background running(*this, pid, std::move(out.read_end));
  out.write_end.reset();
  in.read_end.reset();
  (void)write_all(in.write_end.get(), input);
  in.write_end.reset();
  HOP_TRY(std::string text, running.finish(longest_command));
  show(text);
  return text;
}

Result<std::string> DemoStage::ask(const std::vector<std::string>& args) {
  HOP_TRY(auto running, start(args));
  return running.finish(longest_command);
}

Result<DemoStage::Background> DemoStage::start(const std::vector<std::string>& args) {
  HOP_TRY(Pipe out, make_pipe());
  HOP_TRY(pid_t pid, spawn(full(args), -1, out.write_end.get()));
  return Background(*this, pid, std::move(out.read_end));
}

DemoStage::Background::~Background() {
  if (pid_ > 0) end(SIGTERM);
}

/// Waits for the command, after a signal if it is not 0; its wait status.
int DemoStage::Background::end(int signal) {
  if (signal != 0) ::kill(pid_, signal);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return status;
}

Result<void> DemoStage::Background::wait_for(const std::string& part, Millis timeout) {
  switch (stage_.read(output_, text_, part, timeout)) {
    case Progress::found:
      return {};
    case Progress::interrupted:
      return Error(ErrorCode::unavailable, "interrupted");
    default:
      return Error(ErrorCode::timed_out, "waited for \"" + part + "\", but it printed:\n" + text_);
  }
}

Result<std::string> DemoStage::Background::finish(Millis timeout) {
  const Progress progress = stage_.read(output_, text_, "", timeout);
  const bool ended = progress == Progress::ended;
  const int status = end(ended ? 0 : SIGTERM);
  if (progress == Progress::interrupted) return Error(ErrorCode::unavailable, "interrupted");
  if (!ended) return Error(ErrorCode::timed_out, "the command did not end in time:\n" + text_);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return Error(ErrorCode::internal, str("the command ended with exit code ", code, ":\n", text_));
  }
  return std::move(text_);
}

void DemoStage::show(const std::string& text) const {
  for (auto line : split(text, '\n')) {
    if (!line.empty()) std::cout << "    " << line << "\n";
  }
  std::cout << std::flush;
}

void DemoStage::proved(const std::string& sentence) const {
  std::cout << (colour_ ? "\033[32m" : "") << "  ok: " << sentence << (colour_ ? "\033[0m" : "")
            << "\n"
            << std::flush;
}

void DemoStage::print_times() {
  close_row();
  std::cout << "\n";
  for (const auto& row : rows_) {
    std::cout << "  " << std::left << std::setw(44) << row.title << std::right << std::setw(7)
              << row.took.count() << " ms\n";
  }
  auto total = std::chrono::duration_cast<Millis>(now() - started_);
  std::cout << "  " << std::left << std::setw(44) << "all together" << std::right << std::setw(7)
            << total.count() << " ms\n";
}

}  // namespace hoplab::cmd
