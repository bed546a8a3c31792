#include <array>
#include <iostream>
#include <mutex>
#include <thread>

#include "cmd/kubectl_delete.h"
#include "cmd/kubectl_pods.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr Millis stream_tick{60'000};

constexpr std::array logs_flags{
    FlagSpec{"follow", 'f', FlagKind::boolean, "", "Keep printing what comes."},
    FlagSpec{"previous", 'p', FlagKind::boolean, "", "The container before its last restart."},
    FlagSpec{"container", 'c', FlagKind::value, "", "The container's name."},
    FlagSpec{"all-containers", 0, FlagKind::boolean, "", "All containers of the pods."},
    FlagSpec{"tail", 0, FlagKind::number, "-1", "Only the last lines; 10 with -l, else all."},
    FlagSpec{"since", 0, FlagKind::duration, "0s", "Only what is younger, e.g. 5m."},
    FlagSpec{"since-time", 0, FlagKind::value, "", "Only what came after this RFC 3339 time."},
    FlagSpec{"limit-bytes", 0, FlagKind::number, "0", "At most so many bytes."},
    FlagSpec{"timestamps", 0, FlagKind::boolean, "", "Put the time before each line."},
    FlagSpec{"prefix", 0, FlagKind::boolean, "", "Put pod and container before each line."},
    FlagSpec{"max-log-requests", 0, FlagKind::number, "5", "How many logs -f may follow at once."},
    selector_flag,
};

struct LogSource {
  std::string target;
  std::string prefix;
};

class Logs {
 public:
  explicit Logs(Session& session) : session_(session) {}

  Result<int> run() {
    if (const std::string time = session_.flags.get("since-time"); !time.empty()) {
      if (!parse_rfc3339(time)) {
        return local_error(str("parsing time \"", time,
                               "\" as \"2006-01-02T15:04:05Z07:00\": it has no such form"));
      }
    }
    HOP_CHECK(choose_pods());
    HOP_CHECK(check_flags());
    HOP_CHECK(read_query());
    std::vector<LogSource> sources;
    for (const Json& pod : pods_) HOP_CHECK(add_sources(pod, sources));
    if (!session_.flags.on("follow") || sources.size() == 1) {
      for (const LogSource& source : sources) HOP_CHECK(print_log(source));
      return exit_ok;
    }
    const int64_t most = session_.flags.number("max-log-requests");
    if (sources.size() > static_cast<size_t>(most)) {
      return local_error(str("you are attempting to follow ", sources.size(),
                             " log streams, but maximum allowed concurrency is ", most,
                             ", use --max-log-requests to increase the limit"));
    }
    return follow_all(sources);
  }

 private:
  Result<void> choose_pods() {
    const auto& args = session_.flags.args();
    if (session_.flags.given("selector")) {
      if (!args.empty()) {
        return usage_error("logs", "only a selector (-l) or a POD name is allowed");
      }
      Selection selection{session_.namespace_name, session_.flags.get("selector"), ""};
      HOP_TRY(ObjectList list, session_.client->list(api::kind_of("Pod"), selection));
      if (list.items.empty()) {
        std::cerr << "No resources found in " << session_.namespace_name << " namespace.\n";
      }
      pods_ = std::move(list.items);
      return {};
    }
    if (args.empty() || args.size() > 2) {
      return usage_error("logs",
                         "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or "
                         "TYPE/NAME is a required argument for the logs command");
    }
    if (args.size() == 2) container_ = args[1];
    return choose_one(args[0]);
  }

  Result<void> choose_one(const std::string& argument) {
    if (argument.find('/') == std::string::npos) {
      HOP_TRY(Json pod, find_pod(session_, argument));
      pods_.push_back(std::move(pod));
      return {};
    }
    HOP_TRY(auto targets, parse_targets({argument}));
    if (targets[0].kind->kind == "Pod") return choose_one(targets[0].name);
    HOP_TRY(Json owner,
            session_.client->get(*targets[0].kind, session_.namespace_name, targets[0].name));
    HOP_TRY(auto pods, pods_of(session_, {targets[0].kind, owner}));
    if (pods.empty()) return local_error("no pods found for " + argument);
    if (pods.size() > 1) {
      std::cerr << "Found " << pods.size() << " pods, using pod/" << api::name_of(pods[0]) << "\n";
    }
    pods_.push_back(std::move(pods[0]));
    return {};
  }

  [[nodiscard]] Result<void> check_flags() const {
    const Flags& flags = session_.flags;
    if (flags.given("since-time") && flags.duration("since") != Millis(0)) {
      return local_error("at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
    const std::string named = flags.given("container") ? flags.get("container") : container_;
    if (flags.on("all-containers") && !named.empty()) {
      return local_error("--all-containers=true should not be specified with container name " +
                         named);
    }
    if (flags.given("container") && !container_.empty()) {
      return local_error("only one of -c or an inline [CONTAINER] arg is allowed");
    }
    if (flags.number("limit-bytes") < 0) {
      return local_error("--limit-bytes must be greater than 0");
    }
    if (flags.duration("since") < Millis(0)) return local_error("--since must be greater than 0");
    if (flags.number("tail") < -1) {
      return local_error("--tail must be greater than or equal to -1");
    }
    return {};
  }

  Result<void> read_query() {
    int64_t tail = session_.flags.number("tail");
    const int64_t bytes = session_.flags.number("limit-bytes");
    const Millis since = session_.flags.duration("since");
    if (tail < 0 && session_.flags.given("selector")) tail = session_.flags.given("tail") ? -1 : 10;
    if (tail >= 0) query_.add("tailLines", std::to_string(tail));
    if (bytes > 0) query_.add("limitBytes", std::to_string(bytes));
    if (since > Millis(0)) query_.add("sinceSeconds", std::to_string((since.count() + 999) / 1000));
    if (session_.flags.given("since-time"))
      query_.add("sinceTime", session_.flags.get("since-time"));
    for (const char* flag : {"follow", "previous", "timestamps"}) {
      if (session_.flags.on(flag)) query_.add(flag, "true");
    }
    return {};
  }

  Result<void> add_sources(const Json& pod, std::vector<LogSource>& out) {
    auto names = container_names(pod, "containers");
    const auto init = container_names(pod, "initContainers");
    std::string wanted =
        session_.flags.given("container") ? session_.flags.get("container") : container_;
    if (session_.flags.on("all-containers")) {
      names.insert(names.begin(), init.begin(), init.end());
    } else if (!wanted.empty()) {
      names = {wanted};
    } else if (names.size() > 1) {
      std::string text = str("a container name must be specified for pod ", api::name_of(pod),
                             ", choose one of: [", join(names, " "), "]");
      if (!init.empty()) text += str(" or one of the init containers: [", join(init, " "), "]");
      return local_error(text);
    }
    const std::string path =
        web::Client::path_of(api::kind_of("Pod"), api::namespace_of(pod), api::name_of(pod)) +
        "/log";
    for (const std::string& name : names) {
      web::Query query = query_;
      query.add("container", name);
      std::string prefix;
      if (session_.flags.on("prefix")) prefix = str("[pod/", api::name_of(pod), "/", name, "] ");
      out.push_back({path + "?" + query.text(), prefix});
    }
    return {};
  }

  Result<void> print_log(const LogSource& source) {
    HOP_TRY(auto stream, session_.client->open_stream(source.target));
    std::string rest;
    char data[16384];
    for (;;) {
      auto got = stream->read_some(data, sizeof data, stream_tick);
      if (!got && got.error().code() == ErrorCode::timed_out) continue;
      if (!got) return std::move(got).error();
      HOP_CHECK(print_part({data, *got}, *got == 0, source.prefix, rest));
      if (*got == 0) return {};
    }
  }

  /// Whole lines when several logs share the output, else what comes.
  Result<void> print_part(std::string_view data, bool end, const std::string& prefix,
                          std::string& rest) {
    if (prefix.empty() && !sharing_) return write_all(1, data);
    rest += data;
    std::string out;
    size_t begin = 0;
    for (size_t line = 0; (line = rest.find('\n', begin)) != std::string::npos; begin = line + 1) {
      out += prefix + rest.substr(begin, line + 1 - begin);
    }
    rest.erase(0, begin);
    if (end && !rest.empty()) out += prefix + rest;
    std::lock_guard lock(mutex_);
    return write_all(1, out);
  }

  Result<int> follow_all(const std::vector<LogSource>& sources) {
    sharing_ = true;
    bool failed = false;
    std::vector<std::jthread> threads;
    threads.reserve(sources.size());
    for (const LogSource& source : sources) {
      threads.push_back(start_thread("logs", end_process, [&] {
        auto printed = print_log(source);
        if (printed) return;
        std::lock_guard lock(mutex_);
        failed = print_error(session_, printed.error()) != exit_ok;
      }));
    }
    for (std::jthread& thread : threads) thread.join();
    return failed ? exit_failure : exit_ok;
  }

  Session& session_;
  std::string container_;
  std::vector<Json> pods_;
  web::Query query_;
  std::mutex mutex_;  ///< Guards the output when `sharing_`.
  bool sharing_ = false;
};

Result<int> run_logs(Session& session) {
  return Logs(session).run();
}

}  // namespace

extern const Verb logs_verb;
const Verb logs_verb{"logs",
                     "logs [-f] [-p] (POD | TYPE/NAME | -l label) [-c CONTAINER] [flags]",
                     "Print what a pod's containers wrote",
                     "  kubectl logs web\n"
                     "  kubectl logs -f deploy/web --tail=20\n"
                     "  kubectl logs -l app=web --prefix\n",
                     logs_flags,
                     run_logs};

}  // namespace hoplab::cmd::kubectl
