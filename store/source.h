#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "store/api/kind.h"

namespace hoplab {

/// What a list or a watch is narrowed to. Selectors in Kubernetes' text form.
struct Selection {
  std::string namespace_name;  ///< Empty = all namespaces (and cluster-scoped kinds).
  std::string label_selector;
  std::string field_selector;
};

struct ObjectList {
  std::vector<Json> items;  ///< Whole objects, sorted by namespace and name.
  int64_t revision = 0;     ///< The store's revision that the list shows.
};

enum class EventType { added, modified, deleted, bookmark };

/// One change. `object` is the state after it (for `deleted`: the last state, with the revision of
/// the deletion). A bookmark carries only kind and metadata.resourceVersion.
struct WatchEvent {
  EventType type = EventType::added;
  Json object;
  int64_t revision = 0;
};

/// A running watch. One reader thread; stop() may come from any thread.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;
  /// The next event; nullopt when the time is up. Fails with `too_old` when the revision is
  /// compacted (list again), `unavailable` when the connection is lost or the watch was stopped.
  virtual Result<std::optional<WatchEvent>> next(Millis timeout) = 0;
  virtual void stop() = 0;
};

enum class Subresource { none, status };
enum class PatchType { strategic_merge, merge, json };
enum class Propagation { background, foreground, orphan };

struct WriteOptions {
  bool dry_run = false;
  bool strict = false;  ///< Unknown fields are errors (fieldValidation=Strict).
  /// Gets what the server says besides its answer, such as `unknown field "spec.foo"`; null: nobody
  /// listens. Only during the call.
  std::vector<std::string>* warnings = nullptr;
  std::string field_manager;  ///< For messages only.
};

struct DeleteOptions {
  std::optional<int64_t> grace_seconds;  ///< Nullopt = the object's own default (pods: 30).
  Propagation propagation = Propagation::background;
  std::string precondition_uid;
  bool dry_run = false;
};

/// What DELETE did: the object as it is now when it only started to go (a pod with grace, a
/// finalizer), or gone with its last state.
struct Deletion {
  bool gone = false;
  Json object;
};

/// The cluster's objects as seen by controllers, agents, roles and command line alike. Two
/// implementations: `Registry` in the server's own process, `web::Client` over the API. All calls
/// are thread-safe. Errors carry the codes of Kubernetes' Status reasons.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual Result<Json> get(const api::Kind& kind, const std::string& namespace_name,
                           const std::string& name) = 0;
  virtual Result<ObjectList> list(const api::Kind& kind, const Selection& selection) = 0;
  /// Events after `revision` (`too_old` if it is still to come); 0 = the present state as `added`.
  virtual Result<std::unique_ptr<Watch>> watch(const api::Kind& kind, const Selection& selection,
                                               int64_t revision) = 0;
  virtual Result<Json> create(const api::Kind& kind, const std::string& namespace_name, Json object,
                              const WriteOptions& options = {}) = 0;
  /// Replaces. With a metadata.resourceVersion it is compare-and-set (`conflict` when it moved).
  virtual Result<Json> update(const api::Kind& kind, const std::string& namespace_name,
                              const std::string& name, Json object,
                              Subresource subresource = Subresource::none,
                              const WriteOptions& options = {}) = 0;
  virtual Result<Json> patch(const api::Kind& kind, const std::string& namespace_name,
                             const std::string& name, PatchType type, const Json& patch,
                             Subresource subresource = Subresource::none,
                             const WriteOptions& options = {}) = 0;
  virtual Result<Deletion> remove(const api::Kind& kind, const std::string& namespace_name,
                                  const std::string& name, const DeleteOptions& options = {}) = 0;
};

}  // namespace hoplab
