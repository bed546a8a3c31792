#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "labs/observe.h"
#include "runtime/base/text.h"
#include "runtime/proc/spawn.h"

namespace hoplab::labs {

namespace {

constexpr size_t largest_output = 16U << 20U;
constexpr int cannot_start = 127;

/// A file that holds the text: unlike a pipe it cannot block whoever fills it.
Result<Fd> text_as_file(const std::string& text) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file) return Error::from_errno(errno, "making a file in memory");
  HOP_CHECK(write_all(file.get(), text));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

[[noreturn]] void become(const proc::Program& program, int netns_fd) {
  if (netns_fd < 0 || ::setns(netns_fd, CLONE_NEWNET) == 0) {
    [[maybe_unused]] Error failed = proc::exec_program(program);
  }
  ::_exit(cannot_start);
}

/// Takes what the program prints until it ends. What it left in the background may keep the pipe
/// open for ever, so the end of the pipe is not waited for.
Result<std::string> follow(int pipe, const Fd& process, const OutputSink& sink) {
  std::string output;
  HOP_CHECK(set_nonblocking(pipe, true));
  std::array<char, 4096> part{};
  for (bool ended = false;;) {
    std::array<pollfd, 2> waiting{pollfd{pipe, POLLIN, 0}, pollfd{process.get(), POLLIN, 0}};
    if (!ended && ::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "waiting for a program");
    }
    const ssize_t size = ::read(pipe, part.data(), part.size());
    if (size > 0) {
      std::string_view got(part.data(), static_cast<size_t>(size));
      if (sink) sink(got);
      if (output.size() < largest_output) output += got;
      continue;
    }
    if (ended) return output;
    // Closed early (an end of file would be told for ever), or the program has ended.
    ended = size == 0 || (waiting[1].revents & POLLIN) != 0;
  }
}

}  // namespace

Result<Captured> capture(const std::vector<std::string>& argv, int netns_fd,
                         const std::string& input, const OutputSink& sink) {
  proc::Program program;
  program.env = environment_of_commands();
  program.argv = argv;
  program.executable = proc::find_program(argv.front(), program.env);
  if (program.executable.empty()) {
    return Error(ErrorCode::unsupported, argv.front() + " is not installed");
  }
  HOP_TRY(Fd in, text_as_file(input));
  HOP_TRY(Pipe out, make_pipe());
  program.descriptors = {{in.get(), 0}, {out.write_end.get(), 1}};
  if (sink) program.descriptors.emplace_back(out.write_end.get(), 2);
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "starting " + argv.front());
  if (child == 0) become(program, netns_fd);
  out.write_end.reset();
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  auto output = follow(out.read_end.get(), process, sink);
  const int code = proc::wait_for_exit(child);
  if (!output) return std::move(output).error().context("reading what " + argv.front() + " prints");
  return Captured{code, *std::move(output)};
}

}  // namespace hoplab::labs
