// Frames come from anyone: printing and filtering them must never read past their end.

#include <cstddef>
#include <cstdint>

#include "runtime/trace/capture.h"
#include "runtime/trace/packet_filter.h"
#include "runtime/trace/packet_print.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab::trace;
  static const PacketFilter filter =
      *PacketFilter::parse("tcp port 80 or (udp and not host 10.0.0.1) or arp or proto 4");
  PacketPrinter printer({.link_header = size % 2 == 0,
                         .verbose = size % 3 == 0,
                         .absolute = size % 5 == 0,
                         .ascii = size % 7 == 0,
                         .hex = size % 11 == 0});
  Bytes frame(data, size);
  printer.print(frame, true, size);
  printer.print(frame, false, size);
  (void)filter.matches(frame, true);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)PacketFilter::parse(text);
  if (auto file = PcapReader::parse(std::string(text))) {
    while (auto next = file->next()) {
      if (!*next) break;
      printer.print((*next)->bytes, (*next)->ethernet, (*next)->wire_length);
    }
  }
  return 0;
}
