#include <gtest/gtest.h>

#include "runtime/base/text.h"
#include "runtime/trace/packet_filter.h"
#include "runtime/trace/packet_print.h"

namespace hoplab::trace {
namespace {

std::vector<uint8_t> hex(std::string_view text) {
  std::vector<uint8_t> out;
  for (auto word : words(text)) {
    for (size_t i = 0; i + 1 < word.size(); i += 2) {
      out.push_back(static_cast<uint8_t>(std::stoi(std::string(word.substr(i, 2)), nullptr, 16)));
    }
  }
  return out;
}

constexpr const char* ethernet = "eeeeeeeeeeee 020000000001 0800 ";
// 192.168.10.101 > 192.168.10.102, protocol 4, carrying 172.16.158.2 > 172.16.184.3 echo request.
constexpr const char* outer = "45000068 00010000 40040000 c0a80a65 c0a80a66 ";
constexpr const char* inner = "45000054 12344000 40010000 ac109e02 ac10b803 ";

std::vector<uint8_t> echo() {
  auto frame = hex(std::string(ethernet) + outer + inner + "0800 0000 6533 0001");
  frame.resize(14 + 104);
  return frame;
}

std::string show(const std::vector<uint8_t>& frame, PrintOptions options = {}) {
  return PacketPrinter(options).print(frame, true, frame.size());
}

TEST(PacketPrint, OneHeaderInsideAnother) {
  EXPECT_EQ(show(echo()),
            "IP 192.168.10.101 > 192.168.10.102: IP 172.16.158.2 > 172.16.184.3: "
            "ICMP echo request, id 25907, seq 1, length 64");
}

TEST(PacketPrint, HeadersInHeadersWithoutEndEnd) {
  auto frame = hex(ethernet);
  const auto header = hex("45000000 00010000 40040000 0a000001 0a000002");
  for (int i = 0; i < 100'000; ++i) frame.insert(frame.end(), header.begin(), header.end());
  EXPECT_TRUE(show(frame).ends_with("IP 10.0.0.1 > 10.0.0.2: IP  [|ip]"));
}

TEST(PacketPrint, Arp) {
  EXPECT_EQ(show(hex("ffffffffffff 020000000001 0806 0001080006040001 020000000001 0a00020f "
                     "000000000000 ac109e0f")),
            "ARP, Request who-has 172.16.158.15 tell 10.0.2.15, length 28");
  EXPECT_EQ(show(hex("020000000001 eeeeeeeeeeee 0806 0001080006040002 eeeeeeeeeeee a9fe0101 "
                     "020000000001 ac109e0f")),
            "ARP, Reply 169.254.1.1 is-at ee:ee:ee:ee:ee:ee, length 28");
}

TEST(PacketPrint, TcpHandshakeTurnsToRelativeNumbers) {
  PacketPrinter printer;
  std::string there = std::string(ethernet) + "45000000 00014000 40060000 0a000001 0a000002 ";
  std::string back = std::string(ethernet) + "45000000 00014000 40060000 0a000002 0a000001 ";
  auto print = [&printer](const std::string& text) {
    auto frame = hex(text);
    return printer.print(frame, true, frame.size());
  };
  EXPECT_EQ(print(there + "d431 0050 00000064 00000000 a002 faf0 0000 0000 020405b4 0402080a "
                          "00000001 00000000 01030307"),
            "IP 10.0.0.1.54321 > 10.0.0.2.80: Flags [S], seq 100, win 64240, options [mss "
            "1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0");
  EXPECT_EQ(print(back + "0050 d431 000000c8 00000065 5012 fe88 0000 0000"),
            "IP 10.0.0.2.80 > 10.0.0.1.54321: Flags [S.], seq 200, ack 101, win 65160, length 0");
  EXPECT_EQ(print(there + "d431 0050 00000065 000000c9 5018 01f6 0000 0000 "
                          "474554202f20485454502f312e310d0a0d0a"),
            "IP 10.0.0.1.54321 > 10.0.0.2.80: Flags [P.], seq 1:19, ack 1, win 502, length 18: "
            "HTTP: GET / HTTP/1.1");
}

TEST(PacketPrint, UdpAndDns) {
  std::string ip = std::string(ethernet) + "45000000 00014000 40110000 ac109e02 0a60000a ";
  EXPECT_EQ(show(hex(ip + "9c40 1f90 000c 0000 61626364")),
            "IP 172.16.158.2.40000 > 10.96.0.10.8080: UDP, length 4");
  std::string question = "06676f6f676c6503636f6d00 0001 0001";
  EXPECT_EQ(show(hex(ip + "9c40 0035 0024 0000 1234 0100 0001 0000 0000 0000 " + question)),
            "IP 172.16.158.2.40000 > 10.96.0.10.53: 4660+ A? google.com. (28)");
  EXPECT_EQ(show(hex(ip + "0035 9c40 0034 0000 1234 8180 0001 0001 0000 0000 " + question +
                     " c00c 0001 0001 0000001e 0004 08080808")),
            "IP 172.16.158.2.53 > 10.96.0.10.40000: 4660 1/0/0 A 8.8.8.8 (44)");
}

TEST(PacketPrint, BrokenPacketsAreNamed) {
  EXPECT_EQ(show(hex("0102")), "[|ether]");
  EXPECT_EQ(show(hex(std::string(ethernet) + "45000054")), "IP  [|ip]");
  for (size_t n = 0; n < 118; ++n) {
    auto frame = echo();
    frame.resize(n);
    EXPECT_FALSE(show(frame).empty()) << n;
  }
}

TEST(PacketFilter, FindsWhatItNames) {
  auto frame = echo();
  for (auto [text, expected] : {std::pair{"", true},
                                {"proto 4", true},
                                {"ip proto 4", true},
                                {"icmp", false},
                                {"host 192.168.10.101", true},
                                {"src 192.168.10.101 and dst 192.168.10.102", true},
                                {"dst host 192.168.10.101", false},
                                {"net 192.168.10.0/24", true},
                                {"not (arp or tcp port 80)", true},
                                {"arp or proto ipip", true},
                                {"proto 4 host 192.168.10.102", true},
                                {"! proto 4", false}}) {
    auto filter = PacketFilter::parse(text);
    ASSERT_TRUE(filter) << text;
    EXPECT_EQ(filter->matches(frame, true), expected) << text;
  }
}

TEST(PacketFilter, NamesTheWordItDoesNotKnow) {
  for (auto text : {"bogus", "host", "port x", "port 70000", "(icmp", "icmp )", "and", "not",
                    "proto 300", "host 10.0.0"}) {
    EXPECT_FALSE(PacketFilter::parse(text)) << text;
  }
  EXPECT_FALSE(PacketFilter::parse(std::string(1000, '(')));
}

}  // namespace
}  // namespace hoplab::trace
