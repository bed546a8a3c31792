// `hoplab capture`, and `tcpdump` in hoplab's shells where the machine's own cannot run.

#include "runtime/trace/capture.h"

#include <net/if.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/trace/packet_filter.h"
#include "runtime/trace/packet_print.h"

namespace hoplab::cmd {

namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

struct CaptureWish {
  std::string interface;
  std::string filter;
  std::string write_to;
  uint64_t count = 0;  ///< 0 = until interrupted.
  trace::PrintOptions print;
  bool times = true;
  bool quiet = false;
};

std::string interface_prefix(const CaptureWish& wish, const trace::CapturedFrame& frame) {
  if (wish.interface != "any") return "";
  char name[IF_NAMESIZE] = "?";
  ::if_indextoname(static_cast<unsigned>(frame.interface_index), name);
  return str(name, frame.outgoing ? "  Out " : "  In  ");
}

void announce(const CaptureWish& wish, bool ethernet) {
  if (wish.quiet) return;
  const char* type = wish.interface == "any" ? "LINUX_SLL2 (Linux cooked v2)"
                     : ethernet              ? "EN10MB (Ethernet)"
                                             : "RAW (Raw IP)";
  if (wish.write_to.empty() && !wish.print.verbose) {
    std::cerr << "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n";
  }
  std::cerr << (wish.write_to.empty() && !wish.print.verbose ? "" : "tcpdump: ") << "listening on "
            << wish.interface << ", link-type " << type << ", snapshot length 262144 bytes\n";
}

Result<void> capture(const CaptureWish& wish) {
  HOP_TRY(auto filter, trace::PacketFilter::parse(wish.filter));
  HOP_TRY(auto source, trace::Capture::open(wish.interface));
  trace::PacketPrinter printer(wish.print);
  std::optional<trace::PcapWriter> file;
  announce(wish, true);
  uint64_t captured = 0;
  while (interrupted == 0 && (wish.count == 0 || captured < wish.count)) {
    HOP_TRY(auto frame, source.next(Millis(1000)));
    if (!frame || !filter.matches(frame->bytes, frame->ethernet)) continue;
    ++captured;
    if (!wish.write_to.empty()) {
      if (!file) {
        HOP_TRY(file, trace::PcapWriter::create(wish.write_to, frame->ethernet));
      }
      HOP_CHECK(file->write(*frame));
      continue;
    }
    std::cout << (wish.times ? trace::print_time(frame->time) + " " : "")
              << interface_prefix(wish, *frame)
              << printer.print(frame->bytes, frame->ethernet, frame->wire_length) << std::endl;
  }
  if (!wish.quiet) {
    std::cerr << captured << (captured == 1 ? " packet" : " packets") << " captured\n"
              << captured << (captured == 1 ? " packet" : " packets") << " received by filter\n"
              << source.dropped() << " packets dropped by kernel\n";
  }
  return {};
}

/// The first interface that is up and not loopback, as tcpdump chooses without -i.
std::string default_interface() {
  struct if_nameindex* list = ::if_nameindex();
  std::string chosen = "any";
  for (auto* at = list; at != nullptr && at->if_index != 0; ++at) {
    if (std::string_view(at->if_name) != "lo") {
      chosen = at->if_name;
      break;
    }
  }
  ::if_freenameindex(list);
  return chosen;
}

void declare(Options& options) {
  options.value("interface", 'i', "NAME", "interface to watch, or any")
      .value("count", 'c', "N", "stop after N packets")
      .value("write", 'w', "FILE", "write a pcap file instead of printing (- = standard output)")
      .flag("numeric", 'n', "print addresses as numbers (always done)")
      .flag("link-header", 'e', "print MAC addresses")
      .flag("verbose", 'v', "print the IP header's fields")
      .flag("no-time", 't', "print no time stamps")
      .flag("line-buffered", 'l', "print line by line (always done)")
      .flag("quiet", 'q', "print packets only")
      .positionals("FILTER", 0, 64);
}

int run_capture(const Invocation& invocation) {
  Options options("capture", "[-i NAME] [-c N] [FILTER]",
                  "Prints packets of this network namespace in tcpdump's words. Needs no root "
                  "inside a lab.\nThe filter is tcpdump's: host, net, port, proto, src, dst, arp, "
                  "icmp, tcp, udp, and, or, not.");
  declare(options);
  options.example("hoplab shell k8s-w1 -- hoplab capture -i eth0 proto 4",
                  "IP in IP between the nodes, inner and outer header");
  options.example("tcpdump -i cali7f94ce7c295 -nn icmp", "the same program under its usual name");
  // tcpdump's habits: repeated letters (-nn, -vv) and bundles are fine; -# is not needed here.
  std::vector<std::string> args;
  for (const auto& arg : invocation.args) {
    bool repeated = arg.size() > 2 && arg[0] == '-' && arg[1] != '-' &&
                    arg.find_first_not_of(arg[1], 1) == std::string::npos;
    args.push_back(repeated ? arg.substr(0, 2) : arg);
  }
  if (auto exit = options.parse(args)) return *exit;
  CaptureWish wish;
  wish.interface = options.get("interface");
  if (wish.interface.empty()) wish.interface = default_interface();
  wish.filter = join(options.rest(), " ");
  wish.write_to = options.get("write");
  wish.print.link_header = options.has("link-header");
  wish.print.verbose = options.has("verbose");
  wish.times = !options.has("no-time");
  wish.quiet = options.has("quiet");
  if (options.has("count")) {
    auto text = options.get("count");
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != text.npos ||
        std::stoul(text) == 0) {
      return options.usage_error("-c wants a number of packets, not \"" + text + "\"");
    }
    wish.count = std::stoul(text);
  }
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  auto done = capture(wish);
  if (done) return exit_ok;
  if (done.error().code() == ErrorCode::invalid) return options.usage_error(done.error().message());
  return fail(done.error());
}

}  // namespace

extern const Command capture_command;
const Command capture_command{"capture", "print packets as tcpdump does, without root",
                              run_capture};
extern const Command tcpdump_command;
const Command tcpdump_command{"tcpdump", "capture, under the name people type", run_capture, true};

}  // namespace hoplab::cmd
