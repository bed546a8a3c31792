#include "runtime/proc/sandbox_create.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "runtime/proc/namespaces.h"
#include "runtime/proc/spawn.h"

namespace hoplab::proc {

namespace {

/// The child: waits until its ids are mapped, lets go of the terminal, becomes sandbox-init.
[[noreturn]] void become_init(const std::string& executable, const Fd& log, Fd channel,
                              Pipe mapped) {
  mapped.write_end.reset();
  auto go = read_all(mapped.read_end.get(), 16);
  if (!go || *go != "go") ::_exit(1);
  ::setsid();
  ::umask(022);
  // What the caller's shell has open (a pipe, a lock) must not stay open as long as the sandbox.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  auto null = open_fd("/dev/null", O_RDONLY);
  Program init;
  init.executable = executable;
  init.argv = {"hoplab", "sandbox-init"};
  init.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  init.descriptors = {{null ? null->get() : log.get(), 0},
                      {log.get(), 1},
                      {log.get(), 2},
                      {channel.get(), up_channel_number}};
  Error failed = exec_program(init);
  MessageSocket socket(std::move(channel));
  [[maybe_unused]] auto told = socket.send(error_to_json(failed));
  ::_exit(1);
}

}  // namespace

Result<NewSandbox> create_sandbox(const std::string& executable, const Fd& log) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error::from_errno(errno, "making a socket pair");
  }
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  HOP_TRY(Pipe mapped, make_pipe());
  bool user_namespace = ::geteuid() != 0;
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  if (user_namespace) flags |= CLONE_NEWUSER;
  Fd pidfd;
  auto pid = fork_into(flags, &pidfd);
  if (!pid) return with_userns_explanation(std::move(pid).error());
  if (*pid == 0) become_init(executable, log, std::move(theirs), std::move(mapped));
  theirs.reset();
  mapped.read_end.reset();
  IdMaps ids{true, true};
  if (user_namespace) {
    auto written = write_id_maps(*pid);
    if (!written) return with_userns_explanation(std::move(written).error());
    ids = *written;
  }
  HOP_CHECK(write_all(mapped.write_end.get(), "go"));
  return NewSandbox{*pid, std::move(pidfd), MessageSocket(std::move(ours)), user_namespace, ids};
}

}  // namespace hoplab::proc
