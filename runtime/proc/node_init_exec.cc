#include "runtime/proc/node_init_exec.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "runtime/proc/spawn.h"

namespace hoplab::proc {

Result<void> NodeExecs::make_streams(const ExecSpec& spec, Exec& exec, ProgramPlan& plan,
                                     std::vector<Fd>& child_ends) {
  if (spec.tty || spec.detached) return {};
  auto add = [&](const char* name, bool to_child, int& child_fd) -> Result<void> {
    HOP_TRY(Pipe pipe, make_pipe());
    Fd& child = to_child ? pipe.read_end : pipe.write_end;
    Fd& client = to_child ? pipe.write_end : pipe.read_end;
    child_fd = child.get();
    child_ends.push_back(std::move(child));
    exec.names.emplace_back(name);
    exec.streams.push_back(std::move(client));
    return {};
  };
  if (spec.stdin_open) HOP_CHECK(add("input", true, plan.input));
  HOP_CHECK(add("output", false, plan.output));
  return add("error", false, plan.error);
}

Result<void> NodeExecs::start(uint64_t client, const ExecSpec& spec,
                              const NodeContainers::Container& container, Answer answer,
                              Exited exited) {
  HOP_CHECK(validate(spec).context("exec"));
  ProgramPlan plan = plan_exec(spec, container.program);
  for (const Fd& file : container.cgroup.join_files) plan.cgroup_join_files.push_back(file.get());
  Exec exec;
  exec.client = client;
  exec.end_with_client = spec.end_with_client;
  std::vector<Fd> child_ends;
  HOP_CHECK(make_streams(spec, exec, plan, child_ends));
  HOP_TRY(auto sync, make_sync_pair());
  const Fd& target = container.process.pidfd;
  HOP_TRY(exec.process,
          spawn_inside(target, [&] { run_exec_child(plan, target.get(), sync.second.get()); }));
  exec.sync = std::move(sync.first);
  exec.stdin_open = spec.stdin_open;
  exec.answer = std::move(answer);
  exec.exited = std::move(exited);
  Exec& kept = execs_.emplace_back(std::move(exec));
  auto watched = loop_.watch(kept.sync.get(), EPOLLIN, [this, &kept](uint32_t) { on_sync(kept); });
  if (!watched) ::kill(kept.process.pid, SIGKILL);
  return {};
}

void NodeExecs::client_gone(uint64_t client) {
  for (const Exec& exec : execs_) {
    if (exec.client != client || !exec.end_with_client) continue;
    // It leads a session: what it has started goes with it. It may not have got that far, though.
    ::kill(-exec.process.pid, SIGKILL);
    ::kill(exec.process.pid, SIGKILL);
  }
}

void NodeExecs::on_sync(Exec& exec) {
  SyncNews news = read_sync(exec.sync);
  if (news.failure) exec.failure = *std::move(news.failure);
  if (news.terminal) {
    exec.names.emplace_back("terminal");
    exec.streams.push_back(std::move(news.terminal));
  }
  if (!news.ended) return;
  loop_.forget(exec.sync.get());
  exec.sync.reset();
  send_answer(exec);
}

void NodeExecs::send_answer(Exec& exec) {
  auto answer = std::exchange(exec.answer, nullptr);
  if (!answer) return;
  if (exec.streams.empty()) {
    // No terminal was ever made: a stream that ends at once, so that every session has one.
    if (auto pipe = make_pipe()) {
      exec.names.emplace_back("output");
      exec.streams.push_back(std::move(pipe->read_end));
    }
  }
  answer({{"streams", exec.names}, {"stdin", exec.stdin_open}}, std::move(exec.streams));
}

bool NodeExecs::child_exited(pid_t pid, int wait_status) {
  auto found = std::find_if(execs_.begin(), execs_.end(),
                            [pid](const Exec& exec) { return exec.process.pid == pid; });
  if (found == execs_.end()) return false;
  if (found->sync) on_sync(*found);
  if (found->sync) loop_.forget(found->sync.get());
  send_answer(*found);
  ExitStatus status;
  status.exit_code = exit_code_of(wait_status);
  status.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  status.message = found->failure.message;
  auto exited = std::move(found->exited);
  execs_.erase(found);
  exited(status);
  return true;
}

}  // namespace hoplab::proc
