#include "labs/typed_shell.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/proc/spawn.h"

namespace hoplab::labs {

Result<TypedShell> TypedShell::start() {
  proc::Program program;
  program.env = environment_of_commands();
  program.argv = {"bash", "--noprofile", "--norc"};
  program.executable = proc::find_program("bash", program.env);
  if (program.executable.empty()) return Error(ErrorCode::unsupported, "bash is not installed");
  HOP_TRY(Pipe in, make_pipe());
  HOP_TRY(Pipe out, make_pipe());
  program.descriptors = {
      {in.read_end.get(), 0}, {out.write_end.get(), 1}, {out.write_end.get(), 2}};
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "starting bash");
  if (child == 0) {
    [[maybe_unused]] Error failed = proc::exec_program(program);
    ::_exit(127);
  }
  return TypedShell(child, std::move(in.write_end), std::move(out.read_end));
}

TypedShell::TypedShell(TypedShell&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      lines_(other.lines_) {}

TypedShell::~TypedShell() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Captured> TypedShell::type(const std::string& line) {
  constexpr int patience_ms = 120000;
  // A prompt nobody else prints.
  const std::string mark = str("@@", ::getpid(), '-', ++lines_, '@');
  HOP_CHECK(write_all(input_.get(), str(line, "\nprintf '%s%s@@' '", mark, "' \"$?\"\n")));
  Captured got;
  std::array<char, 4096> part{};
  for (;;) {
    const auto at = got.output.find(mark);
    const auto end = at == std::string::npos ? at : got.output.find("@@", at + mark.size());
    if (end != std::string::npos) {
      const char* digits = got.output.data() + at + mark.size();
      std::from_chars(digits, got.output.data() + end, got.code);
      got.output.resize(at);
      return got;
    }
    pollfd waiting{output_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, patience_ms) == 0) {
      return Error(ErrorCode::timed_out, str("`", line, "` does not end\n", got.output));
    }
    const ssize_t size = ::read(output_.get(), part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return Error(ErrorCode::system, str("the shell ended at `", line, "`"));
    got.output.append(part.data(), static_cast<size_t>(size));
  }
}

}  // namespace hoplab::labs
