#include "cmd/docker_host.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"
#include "runtime/engine/server.h"
#include "runtime/image/folder.h"
#include "runtime/proc/container_client.h"
#include "runtime/proc/namespaces.h"
#include "runtime/proc/spawn.h"

namespace hoplab::cmd {

extern const Command shell_command;

namespace docker {

namespace {

constexpr const char* bare_host_cluster = "linux";

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  return out;
}

/// `hoplab --cluster linux up`; what it prints must not mix with the command's own output.
Result<void> start_bare_host() {
  HOP_TRY(const std::string executable, proc::own_executable());
  std::cerr << "hoplab: starting cluster " << bare_host_cluster << ", one bare host (its end: "
            << "hoplab --cluster " << bare_host_cluster << " down)\n";
  HOP_TRY(const Fd nothing, open_fd("/dev/null", O_RDWR));
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "starting a process");
  if (child == 0) {
    proc::Program program;
    program.executable = executable;
    program.argv = {"hoplab", "--cluster", bare_host_cluster, "up"};
    program.env = own_environment();
    program.descriptors = {{nothing.get(), 0}, {nothing.get(), 1}};
    const Error failed = proc::exec_program(program);
    std::cerr << "hoplab: " << failed.message() << "\n";
    ::_exit(exit_failure);
  }
  if (proc::wait_for_exit(child) == exit_ok) return {};
  return Error(ErrorCode::unavailable, str("the cluster ", bare_host_cluster, " did not start"));
}

/// Twice forked, so that it is a child of the host's pid 1 and of no shell.
Result<void> spawn_engine(const std::string& executable, const Fd& log, const Fd& ready) {
  HOP_TRY(const Fd nothing, open_fd("/dev/null", O_RDONLY));
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "starting a process");
  if (child == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    // It lives long: whatever the caller has open (a lock, a pipe) is not for it.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    proc::Program program;
    program.executable = executable;
    program.argv = {"dockerd"};
    program.env = proc::inside_environment();
    program.descriptors = {
        {nothing.get(), 0}, {log.get(), 1}, {log.get(), 2}, {ready.get(), engine_ready_number}};
    const Error failed = proc::exec_program(program);
    (void)write_all(ready.get(), failed.message()).ok();
    ::_exit(127);
  }
  proc::wait_for_exit(child);
  return {};
}

Result<void> start_engine() {
  HOP_TRY(const std::string executable, proc::own_executable());
  ::mkdir("/run/hoplab/log", 0755);
  HOP_TRY(const Fd log, open_fd("/run/hoplab/log/dockerd.log", O_WRONLY | O_CREAT | O_APPEND));
  HOP_TRY(Pipe ready, make_pipe());
  HOP_CHECK(spawn_engine(executable, log, ready.write_end));
  ready.write_end.reset();
  HOP_TRY(const std::string word, read_all(ready.read_end.get(), 65536));
  if (word == "ready") return {};
  return Error(ErrorCode::unavailable,
               "Cannot start the container engine of this host: " +
                   (word.empty() ? "see /run/hoplab/log/dockerd.log" : word));
}

}  // namespace

std::string images_folder() {
  auto text = read_file("/run/hoplab/node.json", 1U << 20U);
  auto node = text ? parse_json(*text) : Result<Json>(std::move(text).error());
  std::string folder = node ? string_or(*node, "images") : "";
  return folder.empty() ? image::default_store_folder() : folder;
}

bool is_on_host() {
  return ::access(proc::node_socket_path, F_OK) == 0;
}

int run_on_host(const Invocation& invocation) {
  Invocation there = invocation;
  if (!there.cluster_chosen) {
    there.cluster = bare_host_cluster;
    there.cluster_chosen = true;
  }
  if (!find_running_cluster(there) && there.cluster == bare_host_cluster) {
    if (auto started = start_bare_host(); !started) return fail(started.error());
  }
  there.args = {"--", "docker"};
  there.args.insert(there.args.end(), invocation.args.begin(), invocation.args.end());
  return shell_command.run(there);
}

Result<engine::EngineClient> running_engine() {
  return engine::EngineClient::connect(engine::engine_socket_path);
}

Result<engine::EngineClient> open_engine() {
  if (auto running = running_engine()) return running;
  HOP_CHECK(start_engine());
  return running_engine();
}

}  // namespace docker
}  // namespace hoplab::cmd
