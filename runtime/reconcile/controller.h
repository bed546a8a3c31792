#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::reconcile {

/// One committed change of the store; `before` is null for a new object, `now` for one that is
/// gone. At the start every present object is one change.
struct ObjectChange {
  std::string_view kind;
  const Json* before = nullptr;
  const Json* now = nullptr;
  bool at_start = false;  ///< Nothing changed: the object is there as the controllers start.
  [[nodiscard]] const Json& any() const { return now != nullptr ? *now : *before; }
};

/// One loop of the control plane: changes wake keys, reconcile() reads what is, decides with a pure
/// function and writes the difference. It reads the Registry itself, which is never behind its own
/// writes, so no controller needs a memory of what it has just done.
class Controller {
 public:
  Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  virtual ~Controller() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Appends the keys that the change concerns. On the feed's thread, in the order of the
  /// revisions; must be quick.
  virtual void wake(const ObjectChange& change, std::vector<std::string>& keys) = 0;
  /// Makes it so. On any worker thread, never twice at a time for one key. Returns after which time
  /// to look again even if nothing changes; an error comes back by itself after a pause.
  virtual Result<std::optional<Millis>> reconcile(const std::string& key) = 0;
};

/// "Nothing more to do until something changes."
inline Result<std::optional<Millis>> settled() {
  return std::optional<Millis>();
}

/// Tells people what a controller did to an object, as a core/v1 Event from `component`.
using TellEvent =
    std::function<void(std::string_view component, const Json& object, std::string_view type,
                       std::string_view reason, const std::string& message)>;

}  // namespace hoplab::reconcile
