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
  /// Deletes the pod object with grace 0, after its waiting status.
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

  void run();
  /// False = try again later.
  bool write(const Wanted& wanted);

  Source& source_;
  Log log_;
  Mailbox<std::string> keys_;
  Locked<std::map<std::string, Wanted>> wanted_;  ///< By uid.
  std::jthread thread_;
};

}  // namespace hoplab::agent
