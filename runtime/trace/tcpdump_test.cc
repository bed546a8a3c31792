#include <gtest/gtest.h>

#include <cstring>

#include "runtime/base/fd.h"
#include "runtime/trace/capture.h"
#include "runtime/trace/packet_print.h"

namespace hoplab::trace {
namespace {

const std::string folder = "tests/golden/capture/";

std::string printed(const PrintOptions& options, size_t most = SIZE_MAX) {
  PacketPrinter printer(options);
  auto file = PcapReader::open(folder + "packets.pcap").value();
  std::string out;
  for (size_t n = 0; n < most; ++n) {
    const auto frame = file.next().value();
    if (!frame) break;
    out += printer.print(frame->bytes, frame->ethernet, frame->wire_length) + "\n";
  }
  return out;
}

/// The texts are tcpdump's own (see the folder's README).
TEST(Tcpdump, PrintsTheSameLines) {
  EXPECT_EQ(printed({}), read_file(folder + "plain.txt").value());
  EXPECT_EQ(printed({.link_header = true}), read_file(folder + "e.txt").value());
  EXPECT_EQ(printed({.verbose = true}), read_file(folder + "v.txt").value());
  EXPECT_EQ(printed({.hex = true}, 20), read_file(folder + "X.txt").value());
  EXPECT_EQ(printed({.ascii = true}, 20), read_file(folder + "A.txt").value());
}

std::string header(uint32_t magic, uint32_t link) {
  std::string out(24, '\0');
  std::memcpy(out.data(), &magic, 4);
  std::memcpy(out.data() + 20, &link, 4);
  return out;
}

TEST(PcapReader, TellsWhatItCannotRead) {
  EXPECT_FALSE(PcapReader::parse(""));
  EXPECT_FALSE(PcapReader::parse(std::string(24, 'x')));
  EXPECT_FALSE(PcapReader::parse(header(0xa1b2c3d4, 276)));
  auto cut = PcapReader::parse(header(0xa1b2c3d4, 1) + "only half").value();
  EXPECT_EQ(cut.next().error().code(), ErrorCode::invalid);
  auto empty = PcapReader::parse(header(0xa1b23c4d, 101)).value();
  EXPECT_FALSE(empty.ethernet());
  EXPECT_FALSE(empty.next().value());
}

TEST(PcapReader, ReadsTheOtherByteOrder) {
  std::string file = header(0xd4c3b2a1, 0x01000000);
  const char record[] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9, 'a', 'b', 'c'};
  file.append(record, sizeof record);
  auto reader = PcapReader::parse(file).value();
  const auto frame = reader.next().value();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->time, 1'000'002'000);
  EXPECT_EQ(frame->bytes.size(), 3U);
  EXPECT_EQ(frame->wire_length, 9U);
}

TEST(PrintTimes, AsTcpdumpsTFlags) {
  EXPECT_EQ(print_seconds(1'700'000'000'123'456'789), "1700000000.123456");
  EXPECT_EQ(print_span(3'661'000'001'000), "01:01:01.000001");
}

}  // namespace
}  // namespace hoplab::trace
