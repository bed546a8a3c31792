#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "web/connection.h"
#include "web/spdy_frame.h"

namespace hoplab::web::spdy {

/// One SPDY/3.1 session on an upgraded connection, server or client side. One thread runs it and
/// gets the events; any thread may write. kubectl's streams have no flow control: a handler of
/// `data` that waits pushes back on the whole session, so it must never wait for something that
/// only another frame can bring.
class Session {
 public:
  enum class Side { server, client };
  struct Events {
    /// The peer opened a stream (it has been answered already).
    std::function<void(uint32_t stream, const Headers& headers)> opened;
    /// Data of a stream, in pieces; `fin` with the last one (which may be empty), also on a reset.
    std::function<void(uint32_t stream, std::string_view data, bool fin)> data;
  };

  /// The connection must outlive the session.
  Session(Connection& connection, Side side) : connection_(connection), side_(side) {}

  /// Reads frames until the peer ends the session (success) or the connection breaks.
  Result<void> run(const Events& events);

  /// Opens a stream from our side.
  Result<uint32_t> open(const Headers& headers);
  /// Sends data; `fin` ends our side of the stream. Pieces of several writers do not mix.
  Result<void> write(uint32_t stream, std::string_view data, bool fin);
  Result<void> reset(uint32_t stream);
  Result<void> go_away();
  Result<void> ping();

 private:
  Result<void> read_data(const FrameHead& head, const Events& events);
  /// False = the peer has said goodbye.
  Result<bool> read_control(const FrameHead& head, const Events& events);
  Result<void> accept_stream(const FrameHead& head, std::string_view payload, const Events& events);
  Result<void> send(ControlType type, uint8_t flags, std::string_view payload);

  Connection& connection_;
  Side side_;
  HeaderReader header_reader_;
  uint32_t last_stream_ = 0;  ///< The latest one that the peer opened; their numbers rise.
  std::mutex header_mutex_;   ///< The writer's state and the order of its blocks on the wire.
  HeaderWriter header_writer_;
  uint32_t next_stream_ = 1;
  uint32_t next_ping_ = 1;
};

}  // namespace hoplab::web::spdy
