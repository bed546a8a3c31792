#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/model/link.h"
#include "runtime/model/route.h"

namespace hoplab {

/// One change in a network namespace.
struct NetlinkEvent {
  enum class Kind {
    changed,  ///< `object` is new or has changed: its state now.
    removed,  ///< `object` is gone: its last state.
    resync,   ///< Events were lost: read everything again (`dump.h`). No object.
  };
  Kind kind = Kind::resync;
  std::variant<std::monostate, Link, Address, Route, Neighbor> object;
};

/// Which changes to report besides those of links.
struct MonitorGroups {
  bool addresses = true;
  bool routes = true;
  bool neighbors = true;
};

/// Change events of one network namespace, IPv4. Not thread-safe.
///
/// Open it first and read the state afterwards: what changes in between is then seen twice, never
/// missed. The kernel does not report routes that vanish because their link went down or away:
/// take a link event as a hint to look at the routes, too.
class NetlinkMonitor {
 public:
  static Result<NetlinkMonitor> open(const MonitorGroups& groups = {});
  static Result<NetlinkMonitor> open_in(int netns_fd, const MonitorGroups& groups = {});

  /// For poll(2): readable while events wait.
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// All events that wait now; none is an empty list, not an error. Never blocks. When the kernel
  /// had to drop events (ENOBUFS) the list ends with a `resync`.
  Result<std::vector<NetlinkEvent>> read();

 private:
  explicit NetlinkMonitor(Fd fd) : fd_(std::move(fd)) {}
  void take(const nlmsghdr& message, std::vector<NetlinkEvent>& out);
  std::string link_name(int32_t index);

  Fd fd_;
  std::vector<std::byte> buffer_;
  /// Kept because a link may be gone when the removal of its address is read.
  std::map<int32_t, std::string> names_;
};

}  // namespace hoplab
