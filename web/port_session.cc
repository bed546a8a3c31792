// Port-forward: one thread per forwarded connection carries the pod's side; the frame reader hands
// what comes from the client straight to the socket.

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <memory>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "web/spdy.h"
#include "web/stream_session.h"

namespace hoplab::web {

namespace {

constexpr size_t max_forwards = 256;

/// Sends to a pod that may read slowly; gives up when it takes nothing for half a minute.
bool send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t did = send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (did < 0 && errno == EAGAIN) {
      pollfd poller{fd, POLLOUT, 0};
      if (poll(&poller, 1, 30'000) <= 0) return false;
      continue;
    }
    if (did < 0 && errno == EINTR) continue;
    if (did <= 0) return false;
    data.remove_prefix(static_cast<size_t>(did));
  }
  return true;
}

class PortSession {
 public:
  PortSession(Connection& connection, const DialPort& dial)
      : session_(connection, spdy::Session::Side::server), dial_(dial) {}

  void run() {
    spdy::Session::Events events;
    events.opened = [this](uint32_t stream, const Headers& headers) { opened(stream, headers); };
    events.data = [this](uint32_t stream, std::string_view data, bool fin) {
      auto found = by_data_stream_.find(stream);
      if (found != by_data_stream_.end()) received(*found->second, data, fin);
    };
    (void)session_.run(events);
    // All at once; then each waits for its own.
    for (auto& [stream, forward] : by_data_stream_) shutdown(forward->socket.get(), SHUT_RDWR);
    by_data_stream_.clear();
  }

 private:
  struct Forward {
    Forward() = default;
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;
    /// Also when an exception ends the session: the carrier waits at the socket.
    ~Forward() { shutdown(socket.get(), SHUT_RDWR); }

    uint32_t error_stream = 0;
    uint32_t data_stream = 0;
    Fd socket;
    std::atomic<bool> over{false};
    std::jthread carrier;  ///< Last, so that it has ended before what it uses goes.
  };

  void opened(uint32_t stream, const Headers& headers) {
    const std::string id = header_of(headers, "requestid");
    const bool is_error = header_of(headers, "streamtype") == "error";
    auto& [error_stream, data_stream] = waiting_[id];
    (is_error ? error_stream : data_stream) = stream;
    if (error_stream == 0 || data_stream == 0) {
      if (waiting_.size() > max_forwards) waiting_.erase(waiting_.begin());
      return;
    }
    start(error_stream, data_stream, header_of(headers, "port"));
    waiting_.erase(id);
  }

  void start(uint32_t error_stream, uint32_t data_stream, const std::string& port_text) {
    collect();
    const unsigned long port = strtoul(port_text.c_str(), nullptr, 10);
    Result<Fd> socket = Error(ErrorCode::invalid, "\"" + port_text + "\" is no port");
    if (by_data_stream_.size() >= max_forwards) {
      socket = Error(ErrorCode::unavailable, "too many connections");
    } else if (port > 0 && port < 65536) {
      socket = dial_(static_cast<uint16_t>(port));
    }
    if (!socket) {
      (void)session_.write(
          error_stream,
          str("error forwarding port ", port_text, " to pod: ", socket.error().message()), true);
      (void)session_.write(data_stream, {}, true);
      return;
    }
    auto forward = std::make_unique<Forward>();
    forward->error_stream = error_stream;
    forward->data_stream = data_stream;
    forward->socket = std::move(*socket);
    Forward& reference = *forward;
    forward->carrier = start_thread(
        "port-forward", [this, &reference] { finish(reference); },
        [this, &reference] {
          carry(reference);
          finish(reference);
        });
    by_data_stream_.emplace(data_stream, std::move(forward));
  }

  static void received(Forward& forward, std::string_view data, bool fin) {
    if (!send_all(forward.socket.get(), data)) {
      shutdown(forward.socket.get(), SHUT_RDWR);
    } else if (fin) {
      shutdown(forward.socket.get(), SHUT_WR);
    }
  }

  void carry(Forward& forward) {
    char data[16384];
    for (;;) {
      pollfd poller{forward.socket.get(), POLLIN, 0};
      if (poll(&poller, 1, -1) < 0 && errno != EINTR) break;
      ssize_t got = recv(forward.socket.get(), data, sizeof data, MSG_DONTWAIT);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) break;
      if (!session_.write(forward.data_stream, {data, static_cast<size_t>(got)}, false)) break;
    }
  }

  void finish(Forward& forward) {
    (void)session_.write(forward.data_stream, {}, true);
    (void)session_.write(forward.error_stream, {}, true);
    forward.over = true;
  }

  /// Lets go of connections that are over.
  void collect() {
    for (auto it = by_data_stream_.begin(); it != by_data_stream_.end();) {
      if (it->second->over) {
        it = by_data_stream_.erase(it);
      } else {
        ++it;
      }
    }
  }

  spdy::Session session_;  ///< Before the forwards, whose carriers write to it to their end.
  const DialPort& dial_;
  // Only the frame reader touches these.
  std::map<std::string, std::pair<uint32_t, uint32_t>> waiting_;  ///< By requestid: error, data.
  std::map<uint32_t, std::unique_ptr<Forward>> by_data_stream_;
};

}  // namespace

void run_port_session(Connection& connection, const DialPort& dial) {
  PortSession(connection, dial).run();
}

}  // namespace hoplab::web
