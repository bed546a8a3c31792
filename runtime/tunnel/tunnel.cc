#include "runtime/tunnel/tunnel.h"

#include <poll.h>

#include <array>
#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/monitor.h"
#include "runtime/tunnel/tunnel_link.h"

namespace hoplab::tunnel {

/// Says when the namespace's routes have changed, and reads them.
class Tunnel::RouteWatch {
 public:
  static Result<std::unique_ptr<RouteWatch>> open() {
    HOP_TRY(NetlinkMonitor events,
            NetlinkMonitor::open({.addresses = false, .routes = true, .neighbors = false}));
    HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
    return std::unique_ptr<RouteWatch>(new RouteWatch(std::move(events), std::move(socket)));
  }

  [[nodiscard]] int fd() const { return events_.fd(); }

  /// Takes all events off the queue and reads the routes: they are few, and a link that goes down
  /// takes routes along that no event tells of.
  Result<std::vector<Route>> read() {
    HOP_CHECK(events_.read());
    return dump_routes(socket_);
  }

 private:
  RouteWatch(NetlinkMonitor events, NetlinkSocket socket)
      : events_(std::move(events)), socket_(std::move(socket)) {}

  NetlinkMonitor events_;
  NetlinkSocket socket_;
};

Tunnel::Tunnel(Log log, std::string name, Variant variant, StatsFile stats)
    : log_(std::move(log)), name_(std::move(name)), variant_(variant), stats_(std::move(stats)) {}

Tunnel::~Tunnel() = default;

Result<std::unique_ptr<Tunnel>> Tunnel::open(const TunnelOptions& options, Log log) {
  HOP_TRY(TunnelLink link, prepare_tunnel_link(options, probe()));
  std::unique_ptr<BpfTunnel> bpf;
  if (link.variant == Variant::bpf) {
    auto opened = BpfTunnel::open(options.name, log);
    if (opened) {
      bpf = std::move(*opened);
    } else if (options.only) {
      return std::move(opened).error();
    } else {
      HOP_TRY(link, prepare_without_bpf(options, link, probe()));
      log.warning(str("the kernel refuses IP in IP by eBPF, variant ", to_string(link.variant),
                      " does it instead: ", opened.error().message()));
    }
  }
  HOP_TRY(StatsFile stats, StatsFile::create(options.stats_path, link.variant));
  std::unique_ptr<Tunnel> tunnel(
      new Tunnel(std::move(log), options.name, link.variant, std::move(stats)));
  tunnel->bpf_ = std::move(bpf);
  HOP_CHECK(tunnel->open_device());
  return tunnel;
}

Result<void> Tunnel::open_device() {
  if (variant_ == Variant::kernel || variant_ == Variant::bpf) return {};
  if (variant_ == Variant::tun) {
    HOP_TRY(device_, open_tun_device(name_));
  } else {
    HOP_TRY(device_, open_packet_device(name_, tunnel_peer_name(name_)));
  }
  HOP_TRY(OuterSocket outer, OuterSocket::open());
  outer_.emplace(std::move(outer));
  if (device_->needs_routes()) {
    HOP_TRY(routes_, RouteWatch::open());
    HOP_TRY(const std::vector<Route> routes, routes_->read());
    device_->set_routes(routes);
  }
  return {};
}

Json Tunnel::statistics() const {
  if (!bpf_) return stats_.to_json();
  auto counted = bpf_statistics(name_);
  return counted ? *counted : stats_.to_json();
}

Result<Json> read_statistics(const TunnelOptions& options) {
  HOP_TRY(const StatsFile stats, StatsFile::open(options.stats_path));
  if (stats.variant() == Variant::bpf) return bpf_statistics(options.name);
  return stats.to_json();
}

Result<void> Tunnel::run(int stop_fd) {
  if (variant_ == Variant::kernel) return {};
  if (bpf_) return bpf_->run(stop_fd);
  enum { device, outer, stop, routes };
  std::array<pollfd, 4> fds{};
  fds[device] = {device_->fd(), POLLIN, 0};
  fds[outer] = {outer_->fd(), POLLIN, 0};
  fds[stop] = {stop_fd, POLLIN, 0};
  fds[routes] = {routes_ ? routes_->fd() : -1, POLLIN, 0};
  for (;;) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "wait for packets");
    }
    if (fds[stop].revents != 0) return {};
    if (fds[routes].revents != 0) {
      HOP_TRY(const std::vector<Route> now, routes_->read());
      device_->set_routes(now);
    }
    // In turns, so that one busy direction does not starve the other; bounded, so that stop is
    // seen.
    bool more_out = fds[device].revents != 0;
    bool more_in = fds[outer].revents != 0;
    for (int round = 0; round < 64 && (more_out || more_in); ++round) {
      if (more_out) {
        HOP_TRY(more_out, carry_out());
      }
      if (more_in) {
        HOP_TRY(more_in, carry_in());
      }
    }
  }
}

Result<bool> Tunnel::carry_out() {
  arrivals_.clear();
  HOP_CHECK(device_->receive(arrivals_));
  for (const Arrival& arrival : arrivals_) wrap(arrival);
  flush();
  return arrivals_.size() > 1;
}

void Tunnel::wrap(const Arrival& arrival) {
  Counters& counters = stats_.counters();
  ++counters.out_frames;
  if (arrival.next_hop.is_unspecified()) {
    ++counters.dropped_no_next_hop;
    return;
  }
  if (!segmenter_.has_room()) flush();
  pieces_.clear();
  if (!segmenter_.run(arrival.offload, arrival.packet, pieces_)) {
    ++counters.dropped_malformed;
    return;
  }
  for (const Bytes piece : pieces_) {
    outgoing_.push_back({arrival.next_hop, piece});
    counters.out_bytes += piece.size();
  }
}

void Tunnel::flush() {
  if (!outgoing_.empty()) {
    const size_t sent = outer_->send(outgoing_);
    stats_.counters().out_packets += sent;
    stats_.counters().dropped_send += outgoing_.size() - sent;
  }
  outgoing_.clear();
  segmenter_.clear();
}

Result<bool> Tunnel::carry_in() {
  Counters& counters = stats_.counters();
  inner_.clear();
  size_t malformed = 0;
  HOP_CHECK(outer_->receive(inner_, malformed));
  counters.dropped_malformed += malformed;
  if (inner_.empty()) return malformed > 0;
  counters.in_packets += inner_.size();
  for (const Bytes packet : inner_) counters.in_bytes += packet.size();
  coalesce(inner_, merged_);
  const size_t sent = device_->send(merged_);
  counters.in_frames += sent;
  counters.dropped_send += merged_.size() - sent;
  return inner_.size() > 1;
}

}  // namespace hoplab::tunnel
