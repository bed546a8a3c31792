// `hoplab capture`, and `tcpdump` in hoplab's shells where the machine's own cannot run.

#include "runtime/trace/capture.h"

#include <net/if.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "cmd/capture_wish.h"
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

std::string interface_prefix(const CaptureWish& wish, const trace::CapturedFrame& frame) {
  if (wish.interface != "any") return "";
  char name[IF_NAMESIZE] = "?";
  ::if_indextoname(static_cast<unsigned>(frame.interface_index), name);
  return str(name, frame.outgoing ? "  Out " : "  In  ");
}

void announce(const CaptureWish& wish, bool ethernet) {
  if (wish.quiet) return;
  const bool any = wish.interface == "any";
  const char* type = any        ? "LINUX_SLL2 (Linux cooked v2)"
                     : ethernet ? "EN10MB (Ethernet)"
                                : "RAW (Raw IP)";
  const std::string about = str(", link-type ", type, ", snapshot length 262144");
  if (!wish.read_from.empty()) {
    std::cerr << "reading from file " << wish.read_from << about << "\n";
    return;
  }
  if (any) std::cerr << "tcpdump: data link type LINUX_SLL2\n";
  const bool brief = wish.write_to.empty() && !wish.print.verbose;
  if (brief) {
    std::cerr << "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n";
  }
  std::cerr << (brief ? "" : "tcpdump: ") << "listening on " << wish.interface << about
            << " bytes\n";
}

/// Prints or writes one frame after the other.
class Sink {
 public:
  Sink(const CaptureWish& wish, trace::PacketFilter filter)
      : wish_(wish), filter_(std::move(filter)), printer_(wish.print) {}

  Result<void> open(bool ethernet) {
    if (wish_.write_to.empty()) return {};
    HOP_TRY(file_, trace::PcapWriter::create(wish_.write_to, ethernet));
    return {};
  }
  Result<void> take(const trace::CapturedFrame& frame) {
    if (!filter_.matches(frame.bytes, frame.ethernet)) return {};
    ++taken_;
    if (file_) return file_->write(frame);
    std::cout << stamp(frame.time) << interface_prefix(wish_, frame)
              << printer_.print(frame.bytes, frame.ethernet, frame.wire_length) << std::endl;
    return {};
  }
  [[nodiscard]] bool full() const { return wish_.count != 0 && taken_ >= wish_.count; }
  [[nodiscard]] uint64_t taken() const { return taken_; }

 private:
  std::string stamp(int64_t time) {
    const int64_t since = last_ == 0 ? 0 : time - last_;
    last_ = time;
    switch (wish_.times) {
      case TimeStyle::none:
        return "";
      case TimeStyle::seconds:
        return trace::print_seconds(time) + " ";
      case TimeStyle::since_last:
        return " " + trace::print_span(since) + " ";
      case TimeStyle::date:
        return trace::print_date(time) + " " + trace::print_time(time) + " ";
      default:
        return trace::print_time(time) + " ";
    }
  }

  const CaptureWish& wish_;
  const trace::PacketFilter filter_;
  trace::PacketPrinter printer_;
  std::optional<trace::PcapWriter> file_;
  uint64_t taken_ = 0;
  int64_t last_ = 0;
};

Result<void> replay(const CaptureWish& wish, Sink& sink) {
  HOP_TRY(auto source, trace::PcapReader::open(wish.read_from));
  HOP_CHECK(sink.open(source.ethernet()));
  announce(wish, source.ethernet());
  while (interrupted == 0 && !sink.full()) {
    HOP_TRY(const auto frame, source.next());
    if (!frame) break;
    HOP_CHECK(sink.take(*frame));
  }
  return {};
}

Result<void> watch(const CaptureWish& wish, Sink& sink) {
  HOP_TRY(auto source, trace::Capture::open(wish.interface));
  HOP_CHECK(sink.open(source.ethernet()));
  announce(wish, source.ethernet());
  while (interrupted == 0 && !sink.full()) {
    HOP_TRY(const auto frame, source.next(Millis(1000)));
    if (frame) HOP_CHECK(sink.take(*frame));
  }
  if (!wish.quiet) {
    const char* packets = sink.taken() == 1 ? " packet" : " packets";
    std::cerr << sink.taken() << packets << " captured\n"
              << sink.taken() << packets << " received by filter\n"
              << source.dropped() << " packets dropped by kernel\n";
  }
  return {};
}

Result<void> capture(const CaptureWish& wish) {
  HOP_TRY(auto filter, trace::PacketFilter::parse(wish.filter));
  Sink sink(wish, std::move(filter));
  return wish.read_from.empty() ? watch(wish, sink) : replay(wish, sink);
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

int list_interfaces() {
  struct if_nameindex* list = ::if_nameindex();
  int number = 0;
  for (auto* at = list; at != nullptr && at->if_index != 0; ++at) {
    std::cout << ++number << "." << at->if_name << "\n";
  }
  ::if_freenameindex(list);
  std::cout << ++number << ".any (Pseudo-device that captures on all interfaces)\n";
  return exit_ok;
}

bool in_lab() {
  const char* host = std::getenv("HOPLAB_HOST");
  return host != nullptr;
}

constexpr const char* where_to_capture =
    "  in a host of a lab: hoplab shell k8s-w1 -- hoplab capture -i eth0\n";

int run_capture(const Invocation& invocation) {
  auto parsed = parse_capture(invocation.args);
  if (const int* exit = std::get_if<int>(&parsed)) return *exit;
  CaptureWish& wish = std::get<CaptureWish>(parsed);
  if (wish.list_interfaces) return list_interfaces();
  if (wish.interface.empty()) wish.interface = default_interface();
  const bool outside = wish.read_from.empty() && !in_lab();
  if (outside && ::geteuid() == 0) {
    std::cerr << "hoplab capture: this is the computer itself, not a lab\n" << where_to_capture;
  }
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  auto done = capture(wish);
  if (done) return exit_ok;
  if (done.error().code() != ErrorCode::invalid) {
    const int exit = fail(done.error());
    if (outside && ::geteuid() != 0) {
      std::cerr << "  the computer's own packets are for root\n" << where_to_capture;
    }
    return exit;
  }
  std::cerr << "hoplab capture: " << done.error().message() << "\nSee \"hoplab capture --help\".\n";
  return exit_usage;
}

}  // namespace

extern const Command capture_command;
const Command capture_command{"capture", "print packets as tcpdump does, without root",
                              run_capture};
extern const Command tcpdump_command;
const Command tcpdump_command{"tcpdump", "capture, under the name people type", run_capture, true};

}  // namespace hoplab::cmd
