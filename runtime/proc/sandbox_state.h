#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

/// The folder of a cluster on the computer: who holds it, what stands in state.json.
namespace hoplab::proc {

/// Where the caller's clusters are: /run/hoplab for root, else $XDG_RUNTIME_DIR/hoplab when that
/// can be written, else /tmp/hoplab-UID. Pure but for the check of XDG_RUNTIME_DIR.
std::string runtime_folder();

/// What `up` writes into state.json before anything can go wrong.
struct SandboxState {
  std::string name;
  pid_t pid = -1;           ///< Of sandbox-init, as the computer sees it.
  uint64_t start_time = 0;  ///< Of that process; tells it from a later one with the same pid.
  uint16_t api_port = 0;    ///< On the computer's loopback; 0 = no API.
  bool ready = false;       ///< `up` has finished.
  std::string created;      ///< RFC 3339.
  Json config;              ///< The resolved cluster file.

  /// Whether that very process still runs.
  [[nodiscard]] bool alive() const;
};

Json to_json(const SandboxState& state);
Result<SandboxState> parse_sandbox_state(const Json& json);

/// The folder of one cluster, held for ourselves: while one of these lives, no other `up` or
/// `down` of that cluster does anything. One thread.
class ClusterFolder {
 public:
  /// Makes the folder if it is missing (mode 0700) and waits for others to let go of it.
  static Result<ClusterFolder> make(const std::string& runtime, const std::string& cluster);
  /// Nullopt when there is no such folder.
  static Result<std::optional<ClusterFolder>> find(const std::string& runtime,
                                                   const std::string& cluster);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The cluster's.
  [[nodiscard]] std::string name() const { return path_.substr(path_.rfind('/') + 1); }
  [[nodiscard]] std::string file(std::string_view name) const;
  /// Open descriptor of the folder: reaches the files where the path is hidden.
  [[nodiscard]] const Fd& descriptor() const { return fd_; }

  /// Nullopt when nothing (readable) stands there.
  [[nodiscard]] std::optional<SandboxState> state() const;
  Result<void> write_state(const SandboxState& state) const;
  /// Removes everything inside, the folder, and the folder above when it is empty then.
  Result<void> remove() const;
  /// Removes everything inside.
  Result<void> clear() const;

 private:
  std::string path_;
  Fd fd_;
};

/// Reads state.json without holding the folder. `not_found` when the cluster is not there.
Result<SandboxState> read_sandbox_state(const std::string& runtime, const std::string& cluster);
/// Names of the folders below `runtime`, sorted; running or not.
std::vector<std::string> cluster_names(const std::string& runtime);

/// Ends the sandbox and waits until every process in it is gone. Fine when it already is.
Result<void> end_sandbox(const SandboxState& state);

}  // namespace hoplab::proc
