#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "store/revision_log.h"
#include "store/watch_hub.h"

namespace hoplab {

struct StoreOptions {
  LogOptions log = {};
  size_t ring = 1024;           ///< Changes kept in memory for watchers.
  int64_t keep_history = 4096;  ///< Revisions that stay readable; older ones are compacted.
};

using SharedJson = std::shared_ptr<const Json>;

/// Objects at one moment. `revision` is the whole store's.
struct Snapshot {
  std::vector<SharedJson> objects;  ///< Sorted by key.
  int64_t revision = 0;
};

/// One wanted write; see LogWrite for `expected`.
struct ObjectWrite {
  std::string key;
  Json object;  ///< metadata.resourceVersion is set by the store.
  std::optional<int64_t> expected = std::nullopt;
  bool remove = false;
};

/// The revision log with what makes it quick: the current objects in memory, parsed; writers that
/// come at the same time share one transaction (each still waits for its own commit); watchers.
/// Keys look like "pods/default/web". Objects carry metadata.resourceVersion = their revision.
/// Thread-safe. Subscriptions may outlive the store; they then fail with `unavailable`.
class ObjectStore {
 public:
  static Result<std::unique_ptr<ObjectStore>> open(const std::string& path, StoreOptions options);
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  ~ObjectStore();

  /// The object as committed (for a removal: its last state with the removal's revision).
  Result<SharedJson> write(ObjectWrite write);

  /// Null when there is none.
  [[nodiscard]] SharedJson get(const std::string& key) const;
  [[nodiscard]] Snapshot list(const std::string& prefix) const;
  /// As of an older revision, from the log. `too_old`.
  Result<Snapshot> list_at(const std::string& prefix, int64_t revision);
  /// Changes after a revision; after that of a Snapshot without a gap.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(const std::string& prefix, int64_t after) {
    return hub_.subscribe(prefix, after);
  }
  [[nodiscard]] int64_t revision() const;
  Result<void> compact(int64_t revision) { return log_->compact(revision); }
  [[nodiscard]] int64_t compacted() const { return log_->compacted(); }
  /// Ends all watches; reads and writes go on. For an orderly stop.
  void close_watches() { hub_.close(); }

 private:
  struct Pending;
  ObjectStore(std::unique_ptr<RevisionLog> log, StoreOptions options);
  Result<void> load();
  Result<std::vector<StoreEvent>> backlog(int64_t after, const std::string& prefix);
  /// With half a batch applied there is no way on but the log: then the process ends.
  void run_batch(std::vector<Pending*>& batch) noexcept;
  void apply(std::vector<Pending*>& batch, std::vector<Result<LogRow>>& rows);
  void compact_history();

  std::unique_ptr<RevisionLog> log_;
  StoreOptions options_;

  mutable std::shared_mutex state_mutex_;
  std::map<std::string, SharedJson> current_;
  int64_t revision_ = 0;

  std::mutex queue_mutex_;
  std::condition_variable batch_done_;
  std::vector<Pending*> queue_;
  bool committing_ = false;

  WatchHub hub_;  // Last: its backlog reads the members above.
};

}  // namespace hoplab
