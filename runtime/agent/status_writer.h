#pragma once

#include <map>
#include <string>
#include <thread>

#include "runtime/base/locked.h"
#include "runtime/base/log.h"
#include "runtime/base/mailbox.h"
#include "store/source.h"

namespace hoplab::agent {

/// Writes pod statuses to the API on a thread of its own, so that a slow API never holds up pods.
/// Of several statuses of one pod that wait, only the newest is written. Failed writes are tried
/// again; a pod that is gone, or is another one by now (uid), is dropped. Thread-safe.
class StatusWriter {
 public:
  StatusWriter(Source& source, Log log);
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;
  ~StatusWriter();

  void set_status(const std::string& namespace_name, const std::string& name,
                  const std::string& uid, Json status);
  /// Whether `revision` of the pod shows all that was given to set_status(): nothing waits to be
  /// written, and the pod is not older than what was written last.
  [[nodiscard]] bool is_settled(const std::string& uid, int64_t revision) const;
  /// The pod is no more.
  void forget(const std::string& uid);
  /// Writes the waiting status, then deletes the pod object with grace 0.
  void confirm_deletion(const std::string& namespace_name, const std::string& name,
                        const std::string& uid);

 private:
  struct Wanted {
    std::string namespace_name;
    std::string name;
    std::string uid;
    Json status;
    bool remove = false;
  };
  struct State {
    std::map<std::string, Wanted> wanted;      ///< By uid.
    std::map<std::string, int64_t> revisions;  ///< By uid: of the last write; `unwritten` before.
  };

  void run();
  /// What has been done is taken out of `wanted`; false = try the rest again later.
  bool write(Wanted& wanted);
  bool write_status(const Wanted& wanted);
  bool remove(const Wanted& wanted);
  void note_written(const std::string& uid, const Json& pod);

  Source& source_;
  Log log_;
  Mailbox<std::string> keys_;
  mutable Locked<State> state_;
  std::jthread thread_;
};

}  // namespace hoplab::agent
