#include "web/spdy.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::web::spdy {

namespace {

constexpr size_t piece_size = 32768;
/// Once a frame has begun, its rest must come.
constexpr Millis stall{30'000};

}  // namespace

Result<void> Session::run(const Events& events) {
  for (;;) {
    char head_bytes[frame_head_size];
    HOP_TRY(size_t got, connection_.read_some(head_bytes, sizeof head_bytes, forever));
    if (got == 0) return {};
    HOP_CHECK(connection_.read_exactly(head_bytes + got, sizeof head_bytes - got, stall));
    FrameHead head = read_frame_head({head_bytes, sizeof head_bytes});
    if (!head.control) {
      HOP_CHECK(read_data(head, events));
      continue;
    }
    HOP_TRY(bool go_on, read_control(head, events));
    if (!go_on) return {};
  }
}

Result<void> Session::read_data(const FrameHead& head, const Events& events) {
  const bool fin = (head.flags & flag_fin) != 0;
  std::string piece(std::min<size_t>(head.size, piece_size), '\0');
  size_t left = head.size;
  do {
    size_t size = std::min(left, piece.size());
    HOP_CHECK(connection_.read_exactly(piece.data(), size, stall));
    left -= size;
    events.data(head.stream, std::string_view(piece).substr(0, size), fin && left == 0);
  } while (left > 0);
  return {};
}

Result<bool> Session::read_control(const FrameHead& head, const Events& events) {
  if (head.version != 3) return Error(ErrorCode::bad_request, "not SPDY/3");
  if (head.size > max_control_size) {
    return Error(ErrorCode::too_large, str("a SPDY control frame of ", head.size, " bytes"));
  }
  std::string payload(head.size, '\0');
  HOP_CHECK(connection_.read_exactly(payload.data(), payload.size(), stall));
  switch (static_cast<ControlType>(head.type)) {
    case ControlType::syn_stream:
      HOP_CHECK(accept_stream(head, payload, events));
      return true;
    case ControlType::ping:
      // Ours come back: a server's numbers are even, a client's odd.
      if (payload.size() == 4 && (read_big_endian(payload) % 2 == 1) == (side_ == Side::server)) {
        HOP_CHECK(send(ControlType::ping, 0, payload));
      }
      return true;
    case ControlType::rst_stream:
      if (payload.size() >= 4) events.data(read_big_endian(payload) & 0x7fffffffU, {}, true);
      return true;
    case ControlType::goaway:
      return false;
    default:
      return true;  // SYN_REPLY, SETTINGS, WINDOW_UPDATE say nothing we need.
  }
}

Result<void> Session::accept_stream(const FrameHead& head, std::string_view payload,
                                    const Events& events) {
  if (payload.size() < 10) return Error(ErrorCode::bad_request, "a short SYN_STREAM");
  const uint32_t stream = read_big_endian(payload) & 0x7fffffffU;
  HOP_TRY(Headers headers, header_reader_.read(payload.substr(10)));
  if (stream <= last_stream_) {
    return Error(ErrorCode::bad_request,
                 str("a SYN_STREAM for stream ", stream, " after one for ", last_stream_));
  }
  last_stream_ = stream;
  {
    std::lock_guard lock(header_mutex_);
    HOP_TRY(std::string block, header_writer_.write({}));
    HOP_CHECK(send(ControlType::syn_reply, 0, big_endian(stream) + block));
  }
  events.opened(stream, headers);
  if ((head.flags & flag_fin) != 0) events.data(stream, {}, true);
  return {};
}

Result<uint32_t> Session::open(const Headers& headers) {
  std::lock_guard lock(header_mutex_);
  const uint32_t stream = next_stream_;
  next_stream_ += 2;
  HOP_TRY(std::string block, header_writer_.write(headers));
  HOP_CHECK(send(ControlType::syn_stream, 0,
                 big_endian(stream) + big_endian(0) + std::string(2, '\0') + block));
  return stream;
}

Result<void> Session::write(uint32_t stream, std::string_view data, bool fin) {
  do {
    size_t size = std::min(data.size(), piece_size);
    const bool last = size == data.size();
    std::string frame = data_frame_head(stream, fin && last, static_cast<uint32_t>(size));
    frame += data.substr(0, size);
    HOP_CHECK(connection_.write_all(frame));
    data.remove_prefix(size);
  } while (!data.empty());
  return {};
}

Result<void> Session::reset(uint32_t stream) {
  constexpr uint32_t cancel = 5;
  return send(ControlType::rst_stream, 0, big_endian(stream) + big_endian(cancel));
}

Result<void> Session::go_away() {
  return send(ControlType::goaway, 0, big_endian(0) + big_endian(0));
}

Result<void> Session::ping() {
  std::string number;
  {
    std::lock_guard lock(header_mutex_);
    number = big_endian(side_ == Side::client ? next_ping_ : next_ping_ + 1);
    next_ping_ += 2;
  }
  return send(ControlType::ping, 0, number);
}

Result<void> Session::send(ControlType type, uint8_t flags, std::string_view payload) {
  return connection_.write_all(control_frame(type, flags, payload));
}

}  // namespace hoplab::web::spdy
