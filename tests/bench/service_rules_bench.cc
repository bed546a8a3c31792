// Service rules in the kernel: a whole first sync, a sync without changes, and one changed endpoint
// as kube-proxy does it (plan, write, done). Prints medians in milliseconds; beside the first sync
// its floor: the same messages, ready encoded, sent by nothing but one sendmsg.
//   service_rules_bench [SERVICES] [ROUNDS]
// Three endpoints each. Runs in namespaces of its own, as any user.

#include <linux/netlink.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/nft/diff.h"
#include "runtime/nft/render_batch.h"
#include "runtime/plan/services.h"
#include "runtime/reconcile/proxy_kernel.h"

namespace hoplab {
namespace {

using Clock = std::chrono::steady_clock;

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << "service_rules_bench: " << result.error().message() << "\n";
    std::exit(1);
  }
  return std::move(result).value();
}

void require(bool good, const char* what) {
  if (good) return;
  std::cerr << "service_rules_bench: " << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

void enter_namespaces() {
  const auto uid = ::getuid();
  if (uid != 0) {
    require(::unshare(CLONE_NEWUSER) == 0, "making a user namespace");
    require(write_file("/proc/self/uid_map", str("0 ", uid, " 1")).ok(), "mapping the user");
  }
  require(::unshare(CLONE_NEWNET) == 0, "making a network namespace");
}

plan::ServicePort service(int n, uint32_t version) {
  plan::ServicePort port;
  port.name = {"default", str("service-", n), "http"};
  port.cluster_ip = Ipv4(10, 96, 1, 0) + static_cast<uint32_t>(n);
  port.port = 80;
  for (uint32_t e = 0; e < 3; ++e) {
    const uint32_t moved = e == 0 ? version * 65536U : 0;
    port.endpoints.push_back(
        {Ipv4(172, 16, 0, 1) + (static_cast<uint32_t>(n) * 3 + e + moved), 8080, ""});
  }
  return port;
}

/// Wall-clock time, and processor time, which other work on the machine does not change much.
class Watch {
 public:
  struct Lap {
    double wall = 0, user = 0, kernel = 0;
  };
  [[nodiscard]] Lap lap() const {
    const rusage now = usage();
    return {std::chrono::duration<double, std::milli>(Clock::now() - start_).count(),
            milliseconds(now.ru_utime) - milliseconds(at_start_.ru_utime),
            milliseconds(now.ru_stime) - milliseconds(at_start_.ru_stime)};
  }

 private:
  static rusage usage() {
    rusage out{};
    ::getrusage(RUSAGE_THREAD, &out);
    return out;
  }
  static double milliseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  }
  Clock::time_point start_ = Clock::now();
  rusage at_start_ = usage();
};

template <typename Value>
double median_of(const std::vector<Watch::Lap>& laps, Value value) {
  std::vector<double> values;
  for (const Watch::Lap& lap : laps) values.push_back(value(lap));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string median(const std::vector<Watch::Lap>& laps) {
  const auto of = [&](double Watch::Lap::*field) {
    return median_of(laps, [&](const Watch::Lap& lap) { return lap.*field; });
  };
  return str(of(&Watch::Lap::wall), " ms (processor: ", of(&Watch::Lap::user), " user, ",
             of(&Watch::Lap::kernel), " kernel)");
}

struct Figures {
  std::vector<Watch::Lap> first, floor, again, one;
  size_t batches = 0;
};

/// The messages of a first sync as one batch, acknowledged once.
std::string encoded(const Ruleset& rules) {
  const nft::RuleOwner owner{"kube-proxy", plan::service_chain_prefixes()};
  const nft::EncodeOptions options{owner.tag, {}};
  const nft::ChangePlan changes = must(nft::diff(rules, {}, owner, options));
  uint32_t sequence = 1;
  std::string bytes = nft::encode_batch_begin(sequence++);
  size_t last = 0;
  for (const auto* part : {&changes.build, &changes.rewire, &changes.clean}) {
    for (const nft::Change& change : *part) {
      last = bytes.size();
      if (auto done = nft::append_change(bytes, change, sequence++, options); !done) {
        std::cerr << "service_rules_bench: " << done.error().message() << "\n";
        std::exit(1);
      }
    }
  }
  nft::request_ack(std::span(bytes).subspan(last));
  return bytes + nft::encode_batch_end(sequence);
}

/// What the kernel alone needs: these messages into a fresh namespace, and their one answer.
Watch::Lap bare_floor(const std::string& bytes) {
  require(::unshare(CLONE_NEWNET) == 0, "making a network namespace");
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto* address = reinterpret_cast<const sockaddr*>(&kernel);  // NOLINT
  require(::bind(fd.get(), address, sizeof kernel) == 0, "binding a netfilter socket");
  const auto room = static_cast<int>(bytes.size()) + 65536;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: only read
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};
  const Watch watch;
  require(::sendmsg(fd.get(), &message, 0) >= 0,
          "sending all messages at once (fewer SERVICES fit net.core.wmem_max)");
  require(::recv(fd.get(), &answer, sizeof answer, 0) > 0, "reading the acknowledgement");
  const Watch::Lap lap = watch.lap();
  errno = -answer.error.error;
  require(answer.header.nlmsg_type == NLMSG_ERROR && errno == 0, "committing the bare messages");
  return lap;
}

/// Ours to the floor, by medians: on the clock, and in processor time.
std::string ratio(const std::vector<Watch::Lap>& ours, const std::vector<Watch::Lap>& floor) {
  const auto wall = [](const Watch::Lap& lap) { return lap.wall; };
  const auto processor = [](const Watch::Lap& lap) { return lap.user + lap.kernel; };
  return str(median_of(ours, wall) / median_of(floor, wall), " on the clock, ",
             median_of(ours, processor) / median_of(floor, processor), " in processor time");
}

void measure(int services, Figures& out) {
  require(::unshare(CLONE_NEWNET) == 0, "making a network namespace");
  auto kernel = must(reconcile::make_proxy_kernel());
  plan::ServiceRules rules({.node = "bench", .node_ip = Ipv4(10, 0, 0, 1)});
  const Watch first;
  for (int n = 0; n < services; ++n) {
    const plan::ServicePort port = service(n, 0);
    rules.set("default", port.name.name, {port});
  }
  rules.take_changes();
  out.batches = must(kernel->sync(rules.rules())).batches;
  out.first.push_back(first.lap());
  const std::string whole = encoded(rules.rules());
  const Watch again;
  must(kernel->sync(rules.rules()));
  out.again.push_back(again.lap());
  for (uint32_t version = 1; version <= 10; ++version) {
    const plan::ServicePort port = service(services / 2, version);
    const Watch one;
    rules.set("default", port.name.name, {port});
    const auto changes = rules.take_changes();
    must(kernel->update(changes.changed, changes.removed));
    out.one.push_back(one.lap());
  }
  out.floor.push_back(bare_floor(whole));
}

}  // namespace
}  // namespace hoplab

int main(int argc, char** argv) {
  using namespace hoplab;
  const int services = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (services < 1 || services > 20000 || rounds < 1 || rounds > 100) {
    std::cerr << "usage: service_rules_bench [SERVICES up to 20000] [ROUNDS up to 100]\n";
    return 2;
  }
  enter_namespaces();
  Figures figures;
  for (int round = 0; round < rounds; ++round) measure(services, figures);
  std::cout << services << " services x 3 endpoints, median of " << rounds << ":\n"
            << "  first sync            " << median(figures.first) << " in " << figures.batches
            << " transactions\n"
            << "    bare sendmsg + ACK  " << median(figures.floor) << "\n"
            << "    ours / bare         " << ratio(figures.first, figures.floor) << "\n"
            << "  sync without changes  " << median(figures.again) << "\n"
            << "  one endpoint changed  " << median(figures.one) << "\n";
}
