#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/model/conntrack.h"
#include "runtime/observe/network.h"

namespace hoplab::labs {

struct ProcessView {
  int pid = 0;
  std::map<std::string, bool> own;  ///< Kind of namespace -> differs from the host's.
};

enum class PingAnswer { none, reply, silence, host_unreachable, net_unreachable, refused };

/// What was found for one check: only what its kind looks at is filled in (see observe.h).
struct View {
  std::string missing_place;  ///< The namespace or process that is not there; empty: it is.
  std::vector<std::string> namespaces;
  NetworkState network;
  std::vector<std::string> rules;    ///< Lines of `iptables-save -t TABLE`.
  std::optional<std::string> value;  ///< Of a sysctl, a host name, a page.
  std::vector<ProcessView> processes;
  std::vector<ConntrackEntry> connections;
  PingAnswer ping = PingAnswer::none;
  std::string failure;               ///< Why there is no page or answer.
  std::vector<std::string> answers;  ///< Of DNS: the addresses.
  std::optional<Json> object;        ///< Of the API.
};

}  // namespace hoplab::labs
