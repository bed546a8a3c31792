#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "runtime/trace/packet_print.h"

namespace hoplab::cmd {

enum class TimeStyle { of_day, none, seconds, since_last, date };

/// What `hoplab capture` (or `tcpdump`) was asked for.
struct CaptureWish {
  std::string interface;
  std::string filter;
  std::string read_from;
  std::string write_to;
  uint64_t count = 0;  ///< 0 = until interrupted.
  trace::PrintOptions print;
  TimeStyle times = TimeStyle::of_day;
  bool quiet = false;
  bool list_interfaces = false;
};

/// The wish, or the exit code when the command is over (--help, a usage error). Takes flags as
/// tcpdump does: repeated (-vv), bundled (-nnei eth0), anywhere.
std::variant<CaptureWish, int> parse_capture(const std::vector<std::string>& args);

/// tcpdump's bundles as single flags in `args`' order, each letter once; `counts` says how often.
std::vector<std::string> spread_flags(const std::vector<std::string>& args,
                                      std::map<char, int>& counts);

}  // namespace hoplab::cmd
