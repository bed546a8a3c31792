#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/operation.h"

namespace hoplab::labs {

/// What a host is before any lesson: what the cluster file gives it.
struct HostBase {
  std::string name;
  std::set<std::string> links;    ///< Its cables. They end outside and cannot be made in here.
  std::set<std::string> daemons;  ///< Command lines that keep a picture of the host which a reset
                                  ///< makes wrong; they start again when they are needed.
  bool as_it_is = false;          ///< It has only just started: nothing is to be put back.
  std::vector<Operation> operations;  ///< Switch on, addresses, routes, sysctls; nothing that makes
                                      ///< a link.
};

/// Puts the host back to its base, in place: ends processes in namespaces of their own and those
/// with the command lines `ends`; removes named namespaces, links, addresses, routes, iptables
/// rules and tracked connections; then does the base's operations. Called inside the host, with one
/// thread. Spares pid 1, its services, the caller and those above it. `unavailable` when one of the
/// base's cables is gone: only a new start of the cluster brings it back.
Result<void> restore_host(const HostBase& base, const std::vector<std::string>& ends);

}  // namespace hoplab::labs
