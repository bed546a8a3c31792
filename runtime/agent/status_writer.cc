#include "runtime/agent/status_writer.h"

#include <limits>

#include "runtime/base/thread.h"

namespace hoplab::agent {

namespace {

constexpr Millis idle{60'000};
constexpr Millis retry_after{500};
constexpr int64_t unwritten = std::numeric_limits<int64_t>::max();

}  // namespace

StatusWriter::StatusWriter(Source& source, Log log)
    : source_(source),
      log_(std::move(log)),
      thread_(start_thread(
          "status-writer", end_process, [this] { run(); }, log_)) {}

StatusWriter::~StatusWriter() {
  keys_.close();
  thread_.join();
}

void StatusWriter::set_status(const std::string& namespace_name, const std::string& name,
                              const std::string& uid, Json status) {
  {
    auto state = state_.lock();
    Wanted& entry = state->wanted[uid];
    entry.namespace_name = namespace_name;
    entry.name = name;
    entry.uid = uid;
    entry.status = std::move(status);
    state->revisions[uid] = unwritten;
  }
  keys_.put(uid);
}

void StatusWriter::confirm_deletion(const std::string& namespace_name, const std::string& name,
                                    const std::string& uid) {
  {
    auto state = state_.lock();
    Wanted& entry = state->wanted[uid];
    entry.namespace_name = namespace_name;
    entry.name = name;
    entry.uid = uid;
    entry.remove = true;
  }
  keys_.put(uid);
}

bool StatusWriter::is_settled(const std::string& uid, int64_t revision) const {
  auto state = state_.lock();
  auto it = state->revisions.find(uid);
  return it != state->revisions.end() && it->second <= revision;
}

void StatusWriter::forget(const std::string& uid) {
  state_.lock()->revisions.erase(uid);
}

void StatusWriter::run() {
  while (!keys_.closed()) {
    auto uid = keys_.take(idle);
    if (!uid) continue;
    Wanted todo;
    {
      auto state = state_.lock();
      auto it = state->wanted.find(*uid);
      if (it == state->wanted.end()) continue;
      todo = std::move(it->second);
      state->wanted.erase(it);
    }
    if (write(todo)) continue;
    {
      // What came in meanwhile is newer than what failed.
      auto state = state_.lock();
      auto [newer, added] = state->wanted.try_emplace(*uid, todo);
      if (!added) newer->second.remove = newer->second.remove || todo.remove;
    }
    std::this_thread::sleep_for(retry_after);
    keys_.put(*uid);
  }
}

bool StatusWriter::write(Wanted& wanted) {
  if (!wanted.status.is_null()) {
    if (!write_status(wanted)) return false;
    wanted.status = nullptr;
  }
  return !wanted.remove || remove(wanted);
}

bool StatusWriter::remove(const Wanted& wanted) {
  DeleteOptions options;
  options.grace_seconds = 0;
  options.precondition_uid = wanted.uid;
  auto gone = source_.remove(api::kind_of("Pod"), wanted.namespace_name, wanted.name, options);
  if (gone || gone.error().code() == ErrorCode::not_found ||
      gone.error().code() == ErrorCode::conflict) {
    return true;
  }
  log_.error("confirming the deletion of pod " + wanted.namespace_name + "/" + wanted.name,
             gone.error());
  return false;
}

bool StatusWriter::write_status(const Wanted& wanted) {
  Json patch = {{"metadata", {{"uid", wanted.uid}}}, {"status", wanted.status}};
  auto written = source_.patch(api::kind_of("Pod"), wanted.namespace_name, wanted.name,
                               PatchType::merge, patch, Subresource::status);
  if (written) {
    note_written(wanted.uid, *written);
    return true;
  }
  switch (written.error().code()) {
    case ErrorCode::unavailable:
    case ErrorCode::timed_out:
    case ErrorCode::system:
      return false;
    case ErrorCode::not_found:
    case ErrorCode::conflict:
      return true;
    default:
      log_.error("writing the status of pod " + wanted.namespace_name + "/" + wanted.name,
                 written.error());
      return true;
  }
}

void StatusWriter::note_written(const std::string& uid, const Json& pod) {
  auto state = state_.lock();
  auto it = state->revisions.find(uid);
  if (it == state->revisions.end()) return;  // forgotten meanwhile
  auto waiting = state->wanted.find(uid);
  if (waiting != state->wanted.end() && !waiting->second.status.is_null()) return;
  it->second = api::revision_of(pod);
}

}  // namespace hoplab::agent
