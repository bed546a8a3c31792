#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::agent {

/// What hostPath volumes may show of the node. On a machine of its own a node has all of its file
/// system. A lab host sees the computer's, with folders of its own laid over it: there a pod may
/// write only to those, and read what programs consist of. People's files it never gets.
class HostPaths {
 public:
  enum class Access { none, read, write };

  /// All of it.
  HostPaths() = default;
  /// Of a lab host with these own folders.
  explicit HostPaths(std::vector<std::string> own_folders);
  /// As the calling process finds its node.
  static HostPaths of_this_node();

  /// Where links lead counts; a path need not exist.
  [[nodiscard]] Access access(const std::string& path) const;
  /// Where links lead to; fails where access() is none.
  [[nodiscard]] Result<std::string> resolve(const std::string& path) const;
  /// Why a path may not be had, or not be made; names the folders that may.
  [[nodiscard]] Error refusal(const std::string& path) const;

 private:
  bool in_lab_ = false;
  std::vector<std::string> own_;
};

}  // namespace hoplab::agent
