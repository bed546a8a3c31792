#include "store/object_store.h"

#include <algorithm>
#include <utility>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

constexpr size_t largest_batch = 256;
constexpr int64_t backlog_rows = 256;
constexpr int64_t compaction_step = 512;

void set_revision(Json& object, int64_t revision) {
  object["metadata"]["resourceVersion"] = std::to_string(revision);
}

Result<SharedJson> parse_stored(const std::string& text, int64_t revision, const std::string& key) {
  HOP_TRY(Json object, parse_json(text).context(str("store: object \"", key, "\"")));
  set_revision(object, revision);
  return std::make_shared<const Json>(std::move(object));
}

/// What goes into the log: the revision is the row's own number.
std::string stored_text(Json& object) {
  if (auto it = object.find("metadata"); it != object.end() && it->is_object()) {
    it->erase("resourceVersion");
  }
  return dump_json(object);
}

}  // namespace

struct ObjectStore::Pending {
  LogWrite write;
  Json object;
  std::optional<Result<SharedJson>> result;  ///< Only the committing thread's until `done`.
  bool done = false;
};

ObjectStore::ObjectStore(std::unique_ptr<RevisionLog> log, StoreOptions options)
    : log_(std::move(log)),
      options_(options),
      revision_(log_->revision()),
      hub_(options.ring, revision_,
           [this](int64_t after, const std::string& prefix) { return backlog(after, prefix); }) {}

ObjectStore::~ObjectStore() {
  hub_.close();
}

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(const std::string& path,
                                                       StoreOptions options) {
  HOP_TRY(auto log, RevisionLog::open(path, options.log));
  std::unique_ptr<ObjectStore> store(new ObjectStore(std::move(log), options));
  HOP_CHECK(store->load());
  return store;
}

Result<void> ObjectStore::load() {
  HOP_TRY(const std::vector<LogRow> rows, log_->list(""));
  std::unique_lock held(state_mutex_);
  for (const LogRow& row : rows) {
    HOP_TRY(current_[row.key], parse_stored(row.value, row.revision, row.key));
  }
  return {};
}

Result<SharedJson> ObjectStore::write(ObjectWrite wanted) {
  Pending mine;
  mine.write.value = stored_text(wanted.object);
  mine.write.key = std::move(wanted.key);
  mine.write.expected = wanted.expected;
  mine.write.remove = wanted.remove;
  mine.object = std::move(wanted.object);

  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&mine);
  while (!mine.done) {
    if (committing_) {
      batch_done_.wait(lock);
      continue;
    }
    // This thread commits for everybody who is waiting by now.
    committing_ = true;
    const auto end =
        queue_.begin() + static_cast<ptrdiff_t>(std::min(queue_.size(), largest_batch));
    std::vector<Pending*> batch(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
    lock.unlock();
    run_batch(batch);
    lock.lock();
    committing_ = false;
    for (Pending* pending : batch) pending->done = true;
    batch_done_.notify_all();
  }
  return std::move(*mine.result);
}

void ObjectStore::run_batch(std::vector<Pending*>& batch) noexcept {
  std::vector<LogWrite> writes;
  writes.reserve(batch.size());
  for (Pending* pending : batch) writes.push_back(std::move(pending->write));
  auto rows = log_->append(writes);
  if (rows.ok()) {
    apply(batch, *rows);
    compact_history();
    return;
  }
  if (batch.size() == 1) {
    batch[0]->result.emplace(std::move(rows).error());
    return;
  }
  // One write too large for the disk must not fail its neighbours.
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->write = std::move(writes[i]);
    std::vector<Pending*> single{batch[i]};
    run_batch(single);
  }
}

void ObjectStore::apply(std::vector<Pending*>& batch, std::vector<Result<LogRow>>& rows) {
  std::vector<StoreEvent> events;
  std::unique_lock held(state_mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!rows[i]) {
      batch[i]->result.emplace(std::move(rows[i]).error());
      continue;
    }
    LogRow& row = *rows[i];
    set_revision(batch[i]->object, row.revision);
    auto object = std::make_shared<const Json>(std::move(batch[i]->object));
    auto it = current_.find(row.key);
    StoreEvent event{.revision = row.revision,
                     .key = row.key,
                     .deleted = row.deleted,
                     .object = object,
                     .previous = it != current_.end() ? it->second : nullptr};
    if (row.deleted) {
      current_.erase(it);
    } else {
      current_[row.key] = object;
    }
    revision_ = row.revision;
    events.push_back(std::move(event));
    batch[i]->result.emplace(std::move(object));
  }
  // Still under the lock: a reader of the objects at revision n then finds every later change.
  hub_.publish(std::move(events));
}

void ObjectStore::compact_history() {
  const int64_t wanted = log_->revision() - options_.keep_history;
  // A failure (a full disk) leaves the history longer; the next write tries again.
  if (wanted - log_->compacted() >= compaction_step) (void)log_->compact(wanted);
}

SharedJson ObjectStore::get(const std::string& key) const {
  std::shared_lock held(state_mutex_);
  const auto it = current_.find(key);
  return it != current_.end() ? it->second : nullptr;
}

Snapshot ObjectStore::list(const std::string& prefix) const {
  std::shared_lock held(state_mutex_);
  Snapshot snapshot{.objects = {}, .revision = revision_};
  for (auto it = current_.lower_bound(prefix);
       it != current_.end() && it->first.starts_with(prefix); ++it) {
    snapshot.objects.push_back(it->second);
  }
  return snapshot;
}

Result<Snapshot> ObjectStore::list_at(const std::string& prefix, int64_t revision) {
  HOP_TRY(const std::vector<LogRow> rows, log_->list(prefix, revision));
  Snapshot snapshot{.objects = {}, .revision = revision};
  for (const LogRow& row : rows) {
    HOP_TRY(SharedJson object, parse_stored(row.value, row.revision, row.key));
    snapshot.objects.push_back(std::move(object));
  }
  return snapshot;
}

int64_t ObjectStore::revision() const {
  std::shared_lock held(state_mutex_);
  return revision_;
}

Result<std::vector<StoreEvent>> ObjectStore::backlog(int64_t after, const std::string& prefix) {
  HOP_TRY(const std::vector<LogChange> changes, log_->after(after, prefix, backlog_rows));
  std::vector<StoreEvent> events;
  events.reserve(changes.size());
  for (const LogChange& change : changes) {
    const LogRow& row = change.row;
    HOP_TRY(SharedJson object, parse_stored(row.value, row.revision, row.key));
    SharedJson previous;
    if (change.before) {
      HOP_TRY(previous, parse_stored(*change.before, row.previous, row.key));
    }
    events.push_back({.revision = row.revision,
                      .key = row.key,
                      .deleted = row.deleted,
                      .object = std::move(object),
                      .previous = std::move(previous)});
  }
  return events;
}

}  // namespace hoplab
