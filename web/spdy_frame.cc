#include "web/spdy_frame.h"

#include <zlib.h>

#include "runtime/base/text.h"

namespace hoplab::web::spdy {

namespace {

constexpr size_t max_headers_size = size_t{64} << 10U;

Error damaged(const std::string& what) {
  return {ErrorCode::bad_request, "SPDY header block: " + what};
}

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

/// u32 count, then count times u32 size, name, u32 size, value.
Result<Headers> parse_block(std::string_view text) {
  auto take = [&text](std::string_view& out) {
    if (text.size() < 4) return false;
    uint32_t size = read_big_endian(text.substr(0, 4));
    if (text.size() - 4 < size) return false;
    out = text.substr(4, size);
    text.remove_prefix(4 + size_t{size});
    return true;
  };
  if (text.size() < 4) return damaged("too short");
  uint32_t count = read_big_endian(text.substr(0, 4));
  text.remove_prefix(4);
  Headers headers;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view value;
    if (!take(name) || !take(value)) return damaged("too short");
    headers.emplace(name, value);
  }
  return headers;
}

}  // namespace

FrameHead read_frame_head(std::string_view bytes) {
  FrameHead head;
  const uint32_t first = read_big_endian(bytes.substr(0, 4));
  const uint32_t second = read_big_endian(bytes.substr(4, 4));
  head.control = (first >> 31U) != 0;
  if (head.control) {
    head.version = static_cast<uint16_t>(first >> 16U & 0x7fffU);
    head.type = static_cast<uint16_t>(first & 0xffffU);
  } else {
    head.stream = first;
  }
  head.flags = static_cast<uint8_t>(second >> 24U);
  head.size = second & 0xffffffU;
  return head;
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U),
          static_cast<char>(value >> 8U), static_cast<char>(value)};
}

uint32_t read_big_endian(std::string_view four_bytes) {
  uint32_t value = 0;
  for (char c : four_bytes.substr(0, 4)) value = value << 8U | static_cast<uint8_t>(c);
  return value;
}

std::string control_frame(ControlType type, uint8_t flags, std::string_view payload) {
  std::string out = big_endian(0x80030000U | static_cast<uint16_t>(type));
  out += big_endian(uint32_t{flags} << 24U | static_cast<uint32_t>(payload.size()));
  return out += payload;
}

std::string data_frame_head(uint32_t stream, bool fin, uint32_t size) {
  return big_endian(stream) + big_endian(uint32_t{fin ? flag_fin : 0U} << 24U | size);
}

struct HeaderReader::State {
  z_stream zlib{};
  bool ok = false;
};

HeaderReader::HeaderReader() : state_(std::make_unique<State>()) {
  state_->ok = inflateInit(&state_->zlib) == Z_OK;
}

HeaderReader::~HeaderReader() {
  inflateEnd(&state_->zlib);
}

Result<Headers> HeaderReader::read(std::string_view block) {
  if (!state_->ok) return damaged("the session's compression is broken");
  z_stream& zlib = state_->zlib;
  zlib.next_in = bytes_of(block);
  zlib.avail_in = static_cast<uInt>(block.size());
  std::string out;
  char piece[4096];
  state_->ok = false;  // Until this block is through: after damage the state is useless.
  do {
    zlib.next_out = reinterpret_cast<Bytef*>(piece);
    zlib.avail_out = sizeof piece;
    int did = inflate(&zlib, Z_SYNC_FLUSH);
    if (did == Z_NEED_DICT) {
      did = inflateSetDictionary(&zlib, bytes_of(dictionary()),
                                 static_cast<uInt>(dictionary().size()));
      if (did == Z_OK) continue;
    }
    if (did != Z_OK && did != Z_BUF_ERROR) return damaged("no zlib data");
    out.append(piece, sizeof piece - zlib.avail_out);
    if (out.size() > max_headers_size) return damaged("too large");
    if (did == Z_BUF_ERROR) break;
  } while (zlib.avail_in > 0 || zlib.avail_out == 0);
  state_->ok = true;
  return parse_block(out);
}

struct HeaderWriter::State {
  z_stream zlib{};
};

HeaderWriter::HeaderWriter() : state_(std::make_unique<State>()) {
  // A small window: the blocks are tiny, and a session costs 20 kB instead of 260.
  deflateInit2(&state_->zlib, Z_BEST_SPEED, Z_DEFLATED, 11, 1, Z_DEFAULT_STRATEGY);
  deflateSetDictionary(&state_->zlib, bytes_of(dictionary()),
                       static_cast<uInt>(dictionary().size()));
}

HeaderWriter::~HeaderWriter() {
  deflateEnd(&state_->zlib);
}

Result<std::string> HeaderWriter::write(const Headers& headers) {
  std::string plain = big_endian(static_cast<uint32_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    plain += big_endian(static_cast<uint32_t>(name.size())) + to_lower(name);
    plain += big_endian(static_cast<uint32_t>(value.size())) + value;
  }
  z_stream& zlib = state_->zlib;
  zlib.next_in = bytes_of(plain);
  zlib.avail_in = static_cast<uInt>(plain.size());
  std::string out;
  char piece[1024];
  do {
    zlib.next_out = reinterpret_cast<Bytef*>(piece);
    zlib.avail_out = sizeof piece;
    // The sync flush ends with 00 00 ff ff, which Go's reader waits for.
    int did = deflate(&zlib, Z_SYNC_FLUSH);
    if (did != Z_OK && did != Z_BUF_ERROR) return damaged("cannot be compressed");
    out.append(piece, sizeof piece - zlib.avail_out);
  } while (zlib.avail_out == 0);
  return out;
}

}  // namespace hoplab::web::spdy
