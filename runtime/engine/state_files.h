#pragma once

#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/engine/types.h"

namespace hoplab::engine {

/// What survives the engine's end: a file for each container, and one for the networks, below a
/// folder of the host. Every write is whole or not at all. One thread at a time.
class StateFiles {
 public:
  /// Makes the folder.
  static Result<StateFiles> open(std::string folder);

  struct Contents {
    std::vector<Container> containers;  ///< In order of creation.
    std::vector<Network> networks;      ///< Those that were made.
  };
  /// A file that cannot be read is set aside as NAME.damaged and told in `log`.
  Result<Contents> load(const Log& log) const;

  Result<void> save(const Container& container) const;
  void forget(const Container& container) const;
  Result<void> save(const std::vector<Network>& networks) const;

  [[nodiscard]] std::string log_path(const std::string& container_id) const;

 private:
  explicit StateFiles(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::string path(const std::string& container_id) const;

  std::string folder_;
};

}  // namespace hoplab::engine
