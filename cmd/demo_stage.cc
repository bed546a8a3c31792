#include "cmd/demo_stage.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iomanip>
#include <iostream>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr Millis longest_command{60'000};

SteadyTime now() {
  return SystemClock().steady();
}

/// Starts the program with `input` (may be -1) as standard input and both outputs into `output`.
Result<pid_t> spawn(const std::vector<std::string>& args, int input, int output) {
  std::vector<char*> argv;
  for (const auto& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid < 0) return Error::from_errno(errno, "starting " + args.front());
  if (pid == 0) {
    if (input >= 0) ::dup2(input, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  return pid;
}

/// Reads until the end or the time; false = time was up.
bool read_until(int fd, std::string& text, SteadyTime deadline) {
  std::array<char, 65536> chunk;
  for (;;) {
    auto left = std::chrono::duration_cast<Millis>(deadline - now());
    if (left.count() <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n <= 0) return true;
    text.append(chunk.data(), static_cast<size_t>(n));
  }
}

}  // namespace

DemoStage::DemoStage(std::string executable, std::string cluster)
    : executable_(std::move(executable)),
      cluster_(std::move(cluster)),
      colour_(::isatty(1) == 1),
      started_(now()) {}

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
  out.write_end.reset();
  in.read_end.reset();
  (void)write_all(in.write_end.get(), input);
  in.write_end.reset();
  HOP_TRY(std::string text, Background(pid, out.read_end.release()).finish(longest_command));
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
  return Background(pid, out.read_end.release());
}

Result<std::string> DemoStage::Background::finish(Millis timeout) {
  Fd output(output_);
  std::string text;
  bool ended = read_until(output.get(), text, now() + timeout);
  if (!ended) ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  if (!ended) return Error(ErrorCode::timed_out, "the command did not end in time:\n" + text);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return Error(ErrorCode::internal, str("the command ended with exit code ", code, ":\n", text));
  }
  return text;
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
