#include "runtime/proc/host_namespaces.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_wire.h"

namespace hoplab::proc {

namespace {

Result<void> become_host(const HostSpec& spec, const Fd& go) {
  if (::sethostname(spec.name.c_str(), spec.name.size()) != 0) {
    return Error::from_errno(errno, "setting the host name");
  }
  HOP_CHECK(prepare_host_mounts(spec));
  // A byte, not the end of the pipe: hosts that were forked later hold its other end too.
  char byte = 0;
  if (::read(go.get(), &byte, 1) != 1) return Error(ErrorCode::unavailable, "not needed any more");
  return exec_program(spec.init);
}

[[noreturn]] void run_child(const HostSpec& spec, Pipe report, Pipe go) {
  report.read_end.reset();
  go.write_end.reset();
  auto done = become_host(spec, go.read_end);
  if (!done) {
    [[maybe_unused]] auto told =
        write_all(report.write_end.get(), dump_json(error_to_json(done.error())));
  }
  ::_exit(1);
}

}  // namespace

Result<Host> begin_host(const HostSpec& spec) {
  HOP_TRY(Pipe report, make_pipe());
  HOP_TRY(Pipe go, make_pipe());
  Host host;
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  auto pid = fork_into(flags, &host.pidfd);
  if (!pid) return std::move(pid).error().context("host " + spec.name);
  if (*pid == 0) run_child(spec, std::move(report), std::move(go));
  host.pid = *pid;
  host.report = std::move(report.read_end);
  host.go = std::move(go.write_end);
  auto namespaces = NamespaceSet::open(*pid, host_namespace_kinds());
  if (!namespaces) {
    ::kill(*pid, SIGKILL);
    return std::move(namespaces).error().context("host " + spec.name);
  }
  host.namespaces = *std::move(namespaces);
  return host;
}

void release_host(Host& host) {
  if (!host.go) return;
  // One that has failed reads no more; confirm_host() tells why.
  [[maybe_unused]] auto told = write_all(host.go.get(), "g");
  host.go.reset();
}

Result<void> confirm_host(Host& host, const std::string& name) {
  auto text = read_all(host.report.get(), 64U << 10U);
  host.report.reset();
  if (!text) return std::move(text).error().context("host " + name);
  if (text->empty()) return {};
  HOP_TRY(Json body, parse_json(*text));
  if (auto error = error_from_json(body)) return std::move(*error).context("host " + name);
  return Error(ErrorCode::internal, "host " + name + ": " + *text);
}

}  // namespace hoplab::proc
