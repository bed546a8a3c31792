#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "web/http.h"

/// The frames of SPDY/3.1, as far as kubectl's streams use them (facts: kubectl.md 6). Pure; the
/// readers are for untrusted bytes.
namespace hoplab::web::spdy {

inline constexpr size_t frame_head_size = 8;
inline constexpr uint8_t flag_fin = 1;
/// Control frames are small: the largest is a SYN_STREAM with a header block.
inline constexpr uint32_t max_control_size = uint32_t{64} << 10U;

enum class ControlType : uint16_t {
  syn_stream = 1,
  syn_reply = 2,
  rst_stream = 3,
  settings = 4,
  ping = 6,
  goaway = 7,
  headers = 8,
  window_update = 9,
};

struct FrameHead {
  bool control = false;
  uint16_t version = 0;  ///< Of a control frame: 3.
  uint16_t type = 0;     ///< Of a control frame.
  uint32_t stream = 0;   ///< Of a data frame.
  uint8_t flags = 0;
  uint32_t size = 0;
};

/// `bytes` are exactly the eight.
FrameHead read_frame_head(std::string_view bytes);
std::string big_endian(uint32_t value);
uint32_t read_big_endian(std::string_view four_bytes);

std::string control_frame(ControlType type, uint8_t flags, std::string_view payload);
/// The head of a data frame; `size` bytes are to follow (below 2^24).
std::string data_frame_head(uint32_t stream, bool fin, uint32_t size);

/// The dictionary that both directions' header blocks are compressed with.
const std::string& dictionary();

/// Compressed header blocks of one direction of one session: they share a state, so every block
/// must pass, in order. Not thread-safe.
class HeaderReader {
 public:
  HeaderReader();
  HeaderReader(const HeaderReader&) = delete;
  HeaderReader& operator=(const HeaderReader&) = delete;
  ~HeaderReader();
  /// Fails with `bad_request` on damage and on more than 64 kB of headers.
  Result<Headers> read(std::string_view block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class HeaderWriter {
 public:
  HeaderWriter();
  HeaderWriter(const HeaderWriter&) = delete;
  HeaderWriter& operator=(const HeaderWriter&) = delete;
  ~HeaderWriter();
  Result<std::string> write(const Headers& headers);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hoplab::web::spdy
