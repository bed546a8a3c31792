#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {

/// Counters of a tunnel. "out" is from pods to the wire, "in" from the wire to pods.
struct Counters {
  std::atomic<uint64_t> out_packets, out_bytes, out_frames;  ///< Frames before segmentation.
  std::atomic<uint64_t> in_packets, in_bytes, in_frames;     ///< Frames after joining.
  std::atomic<uint64_t> dropped_no_next_hop;  ///< No route through the tunnel says which node.
  std::atomic<uint64_t> dropped_malformed;    ///< Not a whole IPv4 packet, or impossible sizes.
  std::atomic<uint64_t> dropped_send;         ///< The kernel refused the outer or inner packet.
};

/// Counters in a file that others map read-only: always current, at no cost to the tunnel, and
/// still there after a crash. One writer; any number of readers.
class StatsFile {
 public:
  /// Creates or reopens the file (a restart counts on). An empty path keeps them in memory only.
  static Result<StatsFile> create(const std::string& path, Variant variant);
  /// For reading. Fails with `not_found` when no tunnel ever ran here.
  static Result<StatsFile> open(const std::string& path);

  [[nodiscard]] Counters& counters() const;
  [[nodiscard]] Variant variant() const;
  /// {"variant": "veth", "out": {"packets": …}, …}
  [[nodiscard]] Json to_json() const;

 private:
  struct Layout;
  static Result<StatsFile> map(int fd, bool writable);
  std::shared_ptr<Layout> layout_;
};

}  // namespace hoplab::tunnel
