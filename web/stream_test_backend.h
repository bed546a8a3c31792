#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "web/stream_server.h"

/// An agent that runs plain processes. For tests.
namespace hoplab::web {

/// A child process on pipes.
class ChildStreams final : public ProcessStreams {
 public:
  explicit ChildStreams(const std::vector<std::string>& command) {
    Pipe in = *make_pipe();
    Pipe out = *make_pipe();
    Pipe err = *make_pipe();
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in.read_end.get(), 0);
      dup2(out.write_end.get(), 1);
      dup2(err.write_end.get(), 2);
      signal(SIGPIPE, SIG_DFL);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    exit_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    input_ = std::move(in.write_end);
    output_ = std::move(out.read_end);
    error_ = std::move(err.read_end);
  }
  ~ChildStreams() override {
    if (reaped_) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] int input() const override { return input_.get(); }
  [[nodiscard]] int output() const override { return output_.get(); }
  [[nodiscard]] int error() const override { return error_.get(); }
  [[nodiscard]] bool tty() const override { return false; }
  [[nodiscard]] int exit_fd() const override { return exit_.get(); }
  void close_input() override { input_.reset(); }
  void resize(uint16_t, uint16_t) override {}
  Result<int> wait(Millis) override {
    int status = 0;
    waitpid(pid_, &status, 0);
    reaped_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
  Fd input_;
  Fd output_;
  Fd error_;
  Fd exit_;
};

class TestBackend final : public StreamBackend {
 public:
  Result<std::unique_ptr<ProcessStreams>> exec(const ExecRequest& request) override {
    if (request.command[0] == "missing") {
      return Error(ErrorCode::not_found, "no such program: missing");
    }
    return std::make_unique<ChildStreams>(request.command);
  }
  Result<std::unique_ptr<ProcessStreams>> attach(const ExecRequest&) override {
    return std::make_unique<ChildStreams>(std::vector<std::string>{"sh", "-c", "echo hi; exit 4"});
  }
  Result<std::function<void(BodyWriter&)>> logs(const LogRequest& request) override {
    if (request.container.container == "none") {
      return Error(ErrorCode::not_found, "container none not found");
    }
    return std::function<void(BodyWriter&)>([tail = request.tail_lines](BodyWriter& out) {
      for (int64_t i = 0; i < tail; ++i) out.write("line\n");
    });
  }
  Result<Fd> dial(const std::string&, const std::string&, uint16_t port) override {
    if (port != 80) return Error(ErrorCode::unavailable, "connection refused");
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    far_end = Fd(ends[1]);
    dialled = true;
    return Fd(ends[0]);
  }
  Fd far_end;
  std::atomic<bool> dialled{false};
};

}  // namespace hoplab::web
