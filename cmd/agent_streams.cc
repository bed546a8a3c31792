#include "cmd/agent_streams.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <future>

#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"
#include "runtime/proc/log_reader.h"

namespace hoplab::cmd {

namespace {

constexpr Millis follow_step{1'000};

/// node-init's session in the form that the streaming endpoint wants.
class SessionStreams final : public web::ProcessStreams {
 public:
  explicit SessionStreams(proc::StreamSession session) : session_(std::move(session)) {}

  [[nodiscard]] int input() const override { return session_.input().get(); }
  [[nodiscard]] int output() const override { return session_.output().get(); }
  [[nodiscard]] int error() const override { return session_.error().get(); }
  [[nodiscard]] bool tty() const override { return session_.tty(); }
  [[nodiscard]] int exit_fd() const override { return session_.exit_fd(); }
  void close_input() override { session_.close_input(); }
  void resize(uint16_t rows, uint16_t columns) override { (void)session_.resize(rows, columns); }
  Result<int> wait(Millis timeout) override {
    HOP_TRY(auto status, session_.wait(timeout));
    if (!status) return Error(ErrorCode::timed_out, "the process still runs");
    if (!status->message.empty()) return Error(ErrorCode::internal, status->message);
    return status->exit_code;
  }

 private:
  mutable proc::StreamSession session_;
};

Result<proc::LogQuery> query_of(const web::LogRequest& request) {
  proc::LogQuery query;
  query.timestamps = request.timestamps;
  if (request.tail_lines >= 0) query.tail_lines = request.tail_lines;
  if (request.limit_bytes >= 0) query.limit_bytes = request.limit_bytes;
  if (request.since_seconds >= 0) {
    query.since = SystemClock().wall() - bounded_seconds(request.since_seconds);
  }
  if (!request.since_time.empty()) {
    HOP_TRY(query.since, parse_rfc3339(request.since_time));
  }
  return query;
}

}  // namespace

Result<agent::PodDirectory::ContainerHandle> AgentStreams::find(const web::ContainerRef& ref) {
  return agent_.directory().find_container(ref.namespace_name, ref.pod, ref.container);
}

Result<agent::PodDirectory::ContainerHandle> AgentStreams::find_running(
    const web::ContainerRef& ref) {
  HOP_TRY(auto handle, find(ref));
  if (!handle.running) {
    return Error(ErrorCode::internal,
                 str("container ", ref.container, " of pod ", ref.pod, " is not running"));
  }
  return handle;
}

Result<std::unique_ptr<web::ProcessStreams>> AgentStreams::exec(const web::ExecRequest& request) {
  HOP_TRY(auto handle, find_running(request.container));
  proc::ExecSpec spec;
  spec.container_id = handle.id;
  spec.command = request.command;
  spec.stdin_open = request.input;
  spec.tty = request.tty;
  HOP_TRY(auto session, containers_.exec(spec));
  return std::make_unique<SessionStreams>(std::move(session));
}

Result<std::unique_ptr<web::ProcessStreams>> AgentStreams::attach(const web::ExecRequest& request) {
  HOP_TRY(auto handle, find(request.container));
  HOP_TRY(auto session, containers_.attach(handle.id));
  return std::make_unique<SessionStreams>(std::move(session));
}

Result<std::function<void(web::BodyWriter&)>> AgentStreams::logs(const web::LogRequest& request) {
  HOP_TRY(auto handle, find(request.container));
  std::string path = handle.log_path;
  if (request.previous) {
    if (handle.previous_log_path.empty()) {
      return Error(ErrorCode::bad_request,
                   str("previous terminated container \"", request.container.container,
                       "\" in pod \"", request.container.pod, "\" not found"));
    }
    path = handle.previous_log_path;
  }
  HOP_TRY(auto query, query_of(request));
  HOP_TRY(auto opened, proc::LogReader::open(path, query));
  auto reader = std::make_shared<proc::LogReader>(std::move(opened));
  bool follow = request.follow && !request.previous;
  web::ContainerRef ref = request.container;
  std::string id = handle.id;
  return [this, reader, follow, ref, id](web::BodyWriter& out) {
    bool ended = false;
    while (out.open()) {
      auto text = reader->read();
      if (!text) return;
      if (*text) {
        if (!out.write(**text)) return;
        continue;
      }
      if (!follow || reader->at_limit() || ended) return;
      reader->wait(follow_step);
      // Once the run is over, what is left is read once more and the stream ends, as kubelet's.
      auto now = find(ref);
      ended = !now || now->id != id || !now->running;
    }
  };
}

Result<Fd> AgentStreams::dial(const std::string& namespace_name, const std::string& pod,
                              uint16_t port) {
  HOP_TRY(std::string path, agent_.directory().find_netns(namespace_name, pod));
  HOP_TRY(Fd netns, open_fd(path, O_RDONLY));
  // On a thread of its own: were it not to come back, this one would serve in the pod's namespace.
  auto open = [&netns, &pod]() -> Result<Fd> {
    HOP_TRY(auto guard, NetnsGuard::enter(netns.get()));
    Fd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made) return Error::from_errno(errno, "opening a socket in pod " + pod);
    return made;
  };
  HOP_TRY(Fd socket, std::async(std::launch::async, open).get());
  // A full backlog would hold the session for minutes; the timeout is connect's, too.
  const timeval patience{10, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error::from_errno(errno, str("connecting to 127.0.0.1:", port, " in pod ", pod));
  }
  return socket;
}

}  // namespace hoplab::cmd
