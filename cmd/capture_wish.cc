#include "cmd/capture_wish.h"

#include "cmd/options.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

// Letters of tcpdump's that we know; those with a value swallow the rest of their word.
constexpr std::string_view with_value = "icwrs";

Options declare() {
  Options options("capture", "[-i NAME] [-c N] [-w FILE | -r FILE] [FILTER]",
                  "Prints packets of this network namespace in tcpdump's words. Needs no root "
                  "inside a lab.\nThe filter is tcpdump's: host, net, port, portrange, proto, src, "
                  "dst, ip, arp, icmp, tcp, udp, and, or, not.");
  options.value("interface", 'i', "NAME", "interface to watch, or any")
      .value("count", 'c', "N", "stop after N packets")
      .value("write", 'w', "FILE", "write a pcap file instead of printing (- = standard output)")
      .value("read", 'r', "FILE", "print the packets of a pcap file")
      .flag("numeric", 'n', "print addresses as numbers (always done)")
      .flag("link-header", 'e', "print MAC addresses")
      .flag("verbose", 'v', "print the IP header's fields")
      .flag("no-time", 't', "print no time stamps; -tt seconds, -ttt since the last, -tttt date")
      .flag("ascii", 'A', "print the packets' bytes as text")
      .flag("hex", 'X', "print the packets' bytes in hex and as text")
      .flag("absolute", 'S', "print whole TCP sequence numbers")
      .flag("line-buffered", 'l', "print line by line (always done)")
      .flag("list-interfaces", 'D', "list the interfaces")
      .value("snapshot-length", 's', "N", "taken for tcpdump's sake: packets are always whole")
      .flag("no-promiscuous", 'p', "taken for tcpdump's sake")
      .flag("packet-buffered", 'U', "taken for tcpdump's sake")
      .flag("quiet", 'q', "print packets only")
      .positionals("FILTER", 0, 64)
      .example("hoplab shell k8s-w1 -- hoplab capture -i eth0 proto 4",
               "IP in IP between the nodes, inner and outer header")
      .example("tcpdump -i cali7f94ce7c295 -nn icmp", "the same program under its usual name");
  return options;
}

std::optional<uint64_t> packet_count(const std::string& text) {
  const bool number = !text.empty() && text.size() <= 9 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoul(text) == 0) return std::nullopt;
  return std::stoul(text);
}

TimeStyle time_style(int letters) {
  switch (letters) {
    case 0:
      return TimeStyle::of_day;
    case 1:
      return TimeStyle::none;
    case 2:
      return TimeStyle::seconds;
    case 3:
      return TimeStyle::since_last;
    default:
      return TimeStyle::date;
  }
}

}  // namespace

std::vector<std::string> spread_flags(const std::vector<std::string>& args,
                                      std::map<char, int>& counts) {
  std::vector<std::string> out;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg.size() < 2 || arg[0] != '-' || arg[1] == '-') {
      out.push_back(arg);
      continue;
    }
    for (size_t at = 1; at < arg.size(); ++at) {
      const std::string flag{'-', arg[at]};
      if (with_value.find(arg[at]) == std::string_view::npos) {
        if (counts[arg[at]]++ == 0) out.push_back(flag);
        continue;
      }
      out.push_back(flag);
      // The value is the rest of the word, or the next word, which may look like a flag.
      if (at + 1 < arg.size()) {
        out.push_back(arg.substr(at + 1));
      } else if (i + 1 < args.size()) {
        out.push_back(args[++i]);
      }
      break;
    }
  }
  return out;
}

std::variant<CaptureWish, int> parse_capture(const std::vector<std::string>& args) {
  Options options = declare();
  std::map<char, int> counts;
  if (auto exit = options.parse(spread_flags(args, counts))) return *exit;
  CaptureWish wish;
  wish.interface = options.get("interface");
  wish.filter = join(options.rest(), " ");
  wish.read_from = options.get("read");
  wish.write_to = options.get("write");
  wish.print.link_header = options.has("link-header");
  wish.print.verbose = options.has("verbose");
  wish.print.ascii = options.has("ascii");
  wish.print.hex = options.has("hex");
  wish.print.absolute = options.has("absolute");
  wish.times = time_style(options.has("no-time") ? std::max(1, counts['t']) : 0);
  wish.quiet = options.has("quiet");
  wish.list_interfaces = options.has("list-interfaces");
  if (options.has("count")) {
    const auto count = packet_count(options.get("count"));
    if (!count) {
      return options.usage_error("-c wants a number of packets, not \"" + options.get("count") +
                                 "\"");
    }
    wish.count = *count;
  }
  if (!wish.read_from.empty() && !wish.interface.empty()) {
    return options.usage_error("-r reads a file and -i an interface: one of them");
  }
  return wish;
}

}  // namespace hoplab::cmd
