// `hoplab demo`: the whole program in one walk, with explanations and proofs.

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "cmd/command.h"
#include "cmd/demo_manifest.h"
#include "cmd/demo_stage.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/observe/footprint.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/namespaces.h"
#include "runtime/proc/sandbox_state.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::cmd {

namespace {

constexpr const char* usual_name = "demo";
constexpr int exit_interrupted = 130;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string lines_with(const std::string& text, std::string_view part) {
  std::string out;
  for (auto line : split(text, '\n')) {
    if (line.find(part) != std::string_view::npos) out += std::string(line) + "\n";
  }
  return out;
}

Error unproved(const std::string& what, const std::string& output) {
  return {ErrorCode::internal, "expected " + what + ", but the output was:\n" + output};
}

/// The walk. Each chapter checks what it shows: a demo that ends well has proved its sentences.
class Walk {
 public:
  Walk(DemoStage& stage, std::vector<std::string> up) : stage_(stage), up_(std::move(up)) {}

  Result<void> go() {
    HOP_CHECK(start());
    HOP_CHECK(apply());
    HOP_CHECK(look());
    HOP_CHECK(same_node());
    HOP_CHECK(across_nodes());
    HOP_CHECK(cluster_ip());
    HOP_CHECK(chains());
    HOP_CHECK(node_port());
    return {};
  }

 private:
  Result<void> start() {
    stage_.chapter("Start the cluster",
                   "Four Kubernetes nodes, a router between two subnets, a client and a pretend "
                   "internet,\nmade of namespaces, veth pairs and bridges on this kernel.");
    HOP_TRY(std::string out, stage_.run(up_));
    return {};
  }

  Result<void> apply() {
    stage_.chapter("Apply a manifest",
                   "red and blue on k8s-w1, near on k8s-w2, far behind the router on k8s-w0, a "
                   "Deployment\nof three, and two services in front of it.");
    HOP_TRY(std::string out,
            stage_.run({"kubectl", "apply", "-f", "-"}, std::string(demo_manifest)));
    HOP_TRY(out, stage_.run({"kubectl", "wait", "--for=condition=Ready", "pod", "--all",
                             "--timeout=20s"}));
    return {};
  }

  Result<void> look() {
    stage_.chapter("Nodes and pods",
                   "Each node hands out addresses from a block of its own: 172.16.158.0/24 is "
                   "k8s-w1's.");
    HOP_TRY(std::string out, stage_.run({"kubectl", "get", "nodes", "-o", "wide"}));
    HOP_TRY(out, stage_.run({"kubectl", "get", "pods", "-o", "wide"}));
    HOP_TRY(out, stage_.ask({"kubectl", "get", "pods,services", "-o", "json"}));
    HOP_TRY(Json list, parse_json(out));
    for (const Json& item : member(list, "items")) {
      std::string name = string_or(member(item, "metadata"), "name");
      std::string ip = string_or(member(item, "status"), "podIP");
      if (!ip.empty()) pod_ip_[name] = ip;
      if (name.starts_with("whoami-") && !ip.empty()) whoami_pods_.insert(name);
      if (string_or(item, "kind") == "Service" && name == "whoami") {
        service_ip_ = string_or(member(item, "spec"), "clusterIP");
      }
    }
    if (whoami_pods_.size() != 3) return unproved("three whoami pods", out);
    return {};
  }

  Result<std::string> ping(const std::string& from, const std::string& to) {
    return stage_.run({"kubectl", "exec", from, "--", "ping", "-c", "2", "-i", "0.2", pod_ip_[to]});
  }

  Result<void> same_node() {
    stage_.chapter("Ping on one node",
                   "red to blue: out through red's eth0 to its cali link, the node's routing table "
                   "knows blue's /32\nbehind another cali link. The gateway 169.254.1.1 exists "
                   "nowhere: the cali link answers for it.");
    HOP_TRY(std::string out, stage_.run({"kubectl", "exec", "red", "--", "ip", "route"}));
    if (!has(out, "default via 169.254.1.1 dev eth0")) return unproved("Calico's gateway", out);
    HOP_TRY(out, ping("red", "blue"));
    if (!has(out, " 0% packet loss")) return unproved("no loss", out);
    stage_.proved("pods of one node reach each other without a bridge");
    return {};
  }

  Result<void> across_nodes() {
    stage_.chapter("Ping across nodes",
                   "red to near and to far: the node puts the packet into another IP packet, "
                   "addressed to the other\nnode, and sends that. Captured on k8s-w1's eth0:");
    HOP_TRY(auto capture, stage_.start({"shell", "k8s-w1", "--", "hoplab", "capture", "-i", "eth0",
                                        "-c", "4", "proto", "4"}));
    HOP_CHECK(capture.wait_for("listening on eth0", Millis(10000)));
    HOP_TRY(std::string out, ping("red", "near"));
    if (!has(out, " 0% packet loss")) return unproved("no loss", out);
    HOP_TRY(out, capture.finish(Millis(5000)));
    stage_.show(lines_with(out, " IP "));
    std::string both = "IP 192.168.10.101 > 192.168.10.102: IP " + pod_ip_["red"] + " > " +
                       pod_ip_["near"] + ": ICMP echo request";
    if (!has(out, both)) return unproved("one IP header inside another (" + both + ")", out);
    stage_.proved("outer addresses are the nodes', inner ones the pods'");
    HOP_TRY(out, ping("red", "far"));
    if (!has(out, " 0% packet loss")) return unproved("no loss", out);
    stage_.proved("the router between the subnets carries the outer packet");
    return {};
  }

  Result<void> cluster_ip() {
    stage_.chapter("One address for three pods",
                   "The service's address belongs to no interface: the node's rules change it into "
                   "a pod's.");
    HOP_TRY(std::string out,
            stage_.run({"kubectl", "exec", "red", "--", "curl", "-s", "http://" + service_ip_}));
    std::set<std::string> answered;
    for (int i = 0; i < 60 && answered.size() < whoami_pods_.size(); ++i) {
      HOP_TRY(std::string one,
              stage_.ask({"kubectl", "exec", "red", "--", "curl", "-s", "http://" + service_ip_}));
      for (auto line : split(one, '\n')) {
        if (line.starts_with("Hostname: ")) answered.insert(std::string(trim(line.substr(10))));
      }
    }
    if (answered != whoami_pods_) {
      return unproved("answers of all three pods", join({answered.begin(), answered.end()}, " "));
    }
    stage_.proved("all three pods answered: " + join({answered.begin(), answered.end()}, ", "));
    return {};
  }

  Result<void> chains() {
    stage_.chapter(
        "The rules behind it",
        "KUBE-SERVICES finds the address, KUBE-SVC draws a pod by chance, KUBE-SEP "
        "changes the\ndestination (iptables-save on k8s-w1, only this service's lines).");
    HOP_TRY(std::string out, stage_.ask({"shell", "k8s-w1", "--", "iptables-save", "-t", "nat"}));
    std::string chosen;
    int destinations = 0;
    for (auto line : split(out, '\n')) {
      if (!has(std::string(line), "\"default/whoami") || line.starts_with(":")) continue;
      if (has(std::string(line), "nodeport")) continue;
      chosen += std::string(line) + "\n";
      if (has(std::string(line), "-j DNAT")) ++destinations;
    }
    stage_.show(chosen);
    if (destinations != 3) return unproved("three DNAT rules", chosen);
    stage_.proved("one chain per pod, probabilities 1/3, 1/2, 1");
    return {};
  }

  Result<void> node_port() {
    stage_.chapter("From outside the cluster",
                   "The client (192.168.30.10) asks a node on port 30080. The pod sees the node's "
                   "address, not the\nclient's: the answer has to come back the same way.");
    HOP_TRY(std::string out,
            stage_.run({"shell", "client", "--", "curl", "-s", "http://192.168.10.101:30080"}));
    std::string seen;
    for (auto line : split(out, '\n')) {
      if (line.starts_with("RemoteAddr: ")) seen = std::string(trim(line.substr(12)));
    }
    if (seen.empty() || seen.starts_with("192.168.30.10:")) {
      return unproved("an answer with a node's address as RemoteAddr", out);
    }
    stage_.proved("the pod saw " + seen + " instead of 192.168.30.10");
    return {};
  }

  DemoStage& stage_;
  std::vector<std::string> up_;  ///< The command that starts the cluster.
  std::map<std::string, std::string> pod_ip_;
  std::set<std::string> whoami_pods_;
  std::string service_ip_;
};

/// Commands that people type meanwhile come and go: what stays counts.
Result<std::vector<std::string>> what_stays(const Footprint& before,
                                            const std::string& executable) {
  constexpr Millis pause{50};
  constexpr int looks = 60;
  for (int look = 1;; ++look) {
    HOP_TRY(const Footprint after, read_footprint(executable));
    auto differences = compare(before, after);
    if (differences.empty() || look == looks) return differences;
    std::this_thread::sleep_for(pause);
  }
}

Result<void> tear_down(DemoStage& stage, const Footprint& before, const std::string& executable) {
  stage.finale();
  stage.chapter("Down", "The sandbox and everything in it goes; the computer is as it was.");
  HOP_TRY(std::string out, stage.run({"down"}));
  HOP_TRY(const auto differences, what_stays(before, executable));
  if (!differences.empty()) {
    return Error(ErrorCode::internal,
                 "the computer is not as it was before:\n" + join(differences, "\n"));
  }
  stage.proved(
      str("links, addresses, routes, rules, sysctls, mounts, cgroups and processes as before (",
          before.lines.size(), " facts compared)"));
  return {};
}

/// The walk needs a cluster of its own, and would end one that somebody still looks at.
Result<void> check_not_up(const std::string& cluster) {
  HOP_CHECK(check_outside());
  HOP_CHECK(plan::check_cluster_name(cluster));
  const auto state = proc::read_sandbox_state(proc::runtime_folder(), cluster);
  if (!state || !state->alive()) return {};
  return Error(ErrorCode::already_exists,
               str("a cluster named ", cluster, " is up already, from another demo or from demo ",
                   "--keep\n  choose another name: hoplab --cluster NAME demo\n  or end it: hoplab "
                   "--cluster ",
                   cluster, " down"));
}

int run_demo(const Invocation& invocation) {
  Options options("demo", "",
                  "Shows the main job: a cluster comes up, pods talk on a node, across nodes and "
                  "through services, and\nnothing stays behind. Everything shown is checked; exit "
                  "code 1 when something is not as it should be.");
  options.flag("keep", 0, "leave the cluster running");
  options.value("tunnel", 0, "bpf|tun|veth", "who does IP in IP, as for hoplab up");
  options.example("hoplab demo", "about ten seconds");
  options.example("hoplab demo --keep",
                  "look around afterwards: hoplab --cluster demo shell k8s-w1");
  if (auto exit = options.parse(invocation.args)) return *exit;
  if (options.has("tunnel")) {
    if (auto known = tunnel::check_wish(options.get("tunnel")); !known) {
      return options.usage_error(known.error().message());
    }
  }
  const std::string cluster = invocation.cluster_chosen ? invocation.cluster : usual_name;
  if (auto free = check_not_up(cluster); !free)
    return fail(std::move(free).error().context("demo"));
  auto executable = proc::own_executable();
  if (!executable) return fail(executable.error());
  auto before = read_footprint(*executable);
  if (!before) return fail(before.error());
  auto opened = DemoStage::open(*executable, cluster);
  if (!opened) return fail(opened.error());
  DemoStage& stage = *opened;
  std::vector<std::string> up{"up"};
  if (options.has("tunnel")) up.insert(up.end(), {"--tunnel", options.get("tunnel")});
  auto walked = Walk(stage, std::move(up)).go();
  auto ended = walked;
  if (!options.has("keep") || !walked) {
    auto down = tear_down(stage, *before, *executable);
    if (ended || stage.interrupted()) ended = down;
  }
  stage.print_times();
  if (stage.interrupted() && ended) {
    std::cerr << "hoplab demo: interrupted; nothing of it stays behind\n";
    return exit_interrupted;
  }
  return ended ? exit_ok : fail(std::move(ended).error().context("demo"));
}

}  // namespace

extern const Command demo_command;
const Command demo_command{"demo", "see the main job in ten seconds", run_demo};

}  // namespace hoplab::cmd
