#include "runtime/agent/status_writer.h"

namespace hoplab::agent {

namespace {

constexpr Millis idle{60'000};
constexpr Millis retry_after{500};

}  // namespace

StatusWriter::StatusWriter(Source& source, Log log)
    : source_(source), log_(std::move(log)), thread_([this] { run(); }) {}

StatusWriter::~StatusWriter() {
  keys_.close();
  thread_.join();
}

void StatusWriter::set_status(const std::string& namespace_name, const std::string& name,
                              const std::string& uid, Json status) {
  {
    auto wanted = wanted_.lock();
    Wanted& entry = (*wanted)[uid];
    entry.namespace_name = namespace_name;
    entry.name = name;
    entry.uid = uid;
    entry.status = std::move(status);
  }
  keys_.put(uid);
}

void StatusWriter::confirm_deletion(const std::string& namespace_name, const std::string& name,
                                    const std::string& uid) {
  {
    auto wanted = wanted_.lock();
    Wanted& entry = (*wanted)[uid];
    entry.namespace_name = namespace_name;
    entry.name = name;
    entry.uid = uid;
    entry.remove = true;
  }
  keys_.put(uid);
}

void StatusWriter::run() {
  while (!keys_.closed()) {
    auto uid = keys_.take(idle);
    if (!uid) continue;
    Wanted todo;
    {
      auto wanted = wanted_.lock();
      auto it = wanted->find(*uid);
      if (it == wanted->end()) continue;
      todo = std::move(it->second);
      wanted->erase(it);
    }
    if (write(todo)) continue;
    {
      // What came in meanwhile is newer than what failed.
      auto wanted = wanted_.lock();
      wanted->try_emplace(*uid, std::move(todo));
    }
    std::this_thread::sleep_for(retry_after);
    keys_.put(*uid);
  }
}

bool StatusWriter::write(const Wanted& wanted) {
  const api::Kind& pods = api::kind_of("Pod");
  if (wanted.remove) {
    DeleteOptions options;
    options.grace_seconds = 0;
    options.precondition_uid = wanted.uid;
    auto gone = source_.remove(pods, wanted.namespace_name, wanted.name, options);
    if (gone || gone.error().code() == ErrorCode::not_found ||
        gone.error().code() == ErrorCode::conflict) {
      return true;
    }
    log_.error("confirming the deletion of pod " + wanted.namespace_name + "/" + wanted.name,
               gone.error());
    return false;
  }
  Json patch = {{"metadata", {{"uid", wanted.uid}}}, {"status", wanted.status}};
  auto written = source_.patch(pods, wanted.namespace_name, wanted.name, PatchType::merge, patch,
                               Subresource::status);
  if (written) return true;
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

}  // namespace hoplab::agent
