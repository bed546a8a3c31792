#include "runtime/proc/container_client.h"

#include <sys/ioctl.h>
#include <termios.h>

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

/// node-init answers at once except for start_container, which waits for the program to run.
constexpr Millis answer_timeout{60'000};

Result<Message> ask(MessageSocket& socket, const Json& request) {
  HOP_CHECK(socket.send(request));
  HOP_TRY(auto answer, socket.receive(answer_timeout));
  if (!answer) {
    return Error(ErrorCode::timed_out,
                 "node-init did not answer \"" + string_or(request, "op") + "\"");
  }
  if (auto error = error_from_json(answer->body)) return *std::move(error);
  return *std::move(answer);
}

}  // namespace

Result<StreamSession> StreamSession::from_answer(MessageSocket socket, Message answer) {
  StreamSession session(std::move(socket));
  const Json& names = member(answer.body, "streams");
  if (!names.is_array() || names.size() != answer.descriptors.size()) {
    return Error(ErrorCode::bad_request, "node-init's answer names other streams than it carries");
  }
  for (size_t i = 0; i < names.size(); ++i) {
    Fd& fd = answer.descriptors[i];
    if (names[i] == "input")
      session.input_ = std::move(fd);
    else if (names[i] == "output")
      session.output_ = std::move(fd);
    else if (names[i] == "error")
      session.error_ = std::move(fd);
    else if (names[i] == "terminal")
      session.terminal_ = std::move(fd);
  }
  session.tty_ = session.terminal_.valid();
  if (session.tty_ && !session.output_) {
    HOP_TRY(session.output_, session.terminal_.duplicate());
  }
  if (session.tty_ && !session.input_ && bool_or(answer.body, "stdin")) {
    HOP_TRY(session.input_, session.terminal_.duplicate());
  }
  return session;
}

void StreamSession::close_input() {
  if (!tty_) input_.reset();
}

Result<void> StreamSession::resize(uint16_t rows, uint16_t columns) {
  if (!tty_) return Error(ErrorCode::invalid, "this process has no terminal to resize");
  winsize size{rows, columns, 0, 0};
  if (::ioctl(terminal_.get(), TIOCSWINSZ, &size) != 0) {
    return Error::from_errno(errno, str("resizing a terminal to ", rows, "x", columns));
  }
  return {};
}

Result<std::optional<ExitStatus>> StreamSession::wait(Millis timeout) {
  if (exit_) return exit_;
  HOP_TRY(auto message, socket_.receive(timeout));
  if (!message) return std::optional<ExitStatus>{};
  HOP_TRY(ExitStatus status, exit_status_from_json(member(message->body, "exit")));
  exit_ = status;
  return exit_;
}

Result<StreamSession> PendingAttach::take(Millis timeout) && {
  HOP_TRY(auto answer, socket_.receive(timeout));
  if (!answer) return Error(ErrorCode::timed_out, "the container was not started");
  if (auto error = error_from_json(answer->body)) return *std::move(error);
  return StreamSession::from_answer(std::move(socket_), *std::move(answer));
}

Result<std::optional<ContainerEvent>> EventSubscription::next(Millis timeout) {
  HOP_TRY(auto message, socket_.receive(timeout));
  if (!message) return std::optional<ContainerEvent>{};
  HOP_TRY(ContainerEvent event, container_event_from_json(member(message->body, "event")));
  return std::optional<ContainerEvent>(std::move(event));
}

Result<std::unique_ptr<ContainerClient>> ContainerClient::connect(const std::string& socket_path) {
  std::unique_ptr<ContainerClient> client(new ContainerClient(socket_path));
  HOP_TRY(MessageSocket socket, client->open());
  client->socket_.emplace(std::move(socket));
  return client;
}

Result<MessageSocket> ContainerClient::open() const {
  return MessageSocket::connect(path_);
}

Result<Message> ContainerClient::call(const Json& request) {
  std::lock_guard lock(mutex_);
  if (!socket_) {
    HOP_TRY(MessageSocket socket, open());
    socket_.emplace(std::move(socket));
  }
  auto answer = ask(*socket_, request);
  // After a failure of the transport a late answer could be taken for the next call's.
  if (!answer && (answer.error().code() == ErrorCode::unavailable ||
                  answer.error().code() == ErrorCode::timed_out ||
                  answer.error().code() == ErrorCode::system)) {
    socket_.reset();
  }
  return answer;
}

Result<RunningSandbox> ContainerClient::run_sandbox(const PodSandboxSpec& spec) {
  HOP_TRY(Message answer, call({{"op", "run_sandbox"}, {"spec", to_json(spec)}}));
  RunningSandbox running;
  HOP_TRY(running.status, sandbox_status_from_json(member(answer.body, "sandbox")));
  if (answer.descriptors.size() != 1) {
    return Error(ErrorCode::bad_request, "node-init's answer carries no network namespace");
  }
  running.netns = std::move(answer.descriptors[0]);
  return running;
}

Result<void> ContainerClient::stop_sandbox(const std::string& id) {
  HOP_TRY([[maybe_unused]] Message answer, call({{"op", "stop_sandbox"}, {"id", id}}));
  return {};
}

Result<void> ContainerClient::remove_sandbox(const std::string& id) {
  HOP_TRY([[maybe_unused]] Message answer, call({{"op", "remove_sandbox"}, {"id", id}}));
  return {};
}

Result<ContainerStatus> ContainerClient::start_container(const ContainerSpec& spec) {
  HOP_TRY(Message answer, call({{"op", "start_container"}, {"spec", to_json(spec)}}));
  return container_status_from_json(member(answer.body, "container"));
}

Result<void> ContainerClient::stop_container(const std::string& id, Millis grace) {
  HOP_TRY([[maybe_unused]] Message answer,
          call({{"op", "stop_container"}, {"id", id}, {"graceMillis", grace.count()}}));
  return {};
}

Result<void> ContainerClient::kill_container(const std::string& id, int signal) {
  HOP_TRY([[maybe_unused]] Message answer,
          call({{"op", "kill_container"}, {"id", id}, {"signal", signal}}));
  return {};
}

Result<void> ContainerClient::remove_container(const std::string& id) {
  HOP_TRY([[maybe_unused]] Message answer, call({{"op", "remove_container"}, {"id", id}}));
  return {};
}

Result<NodeContents> ContainerClient::list() {
  HOP_TRY(Message answer, call({{"op", "list"}}));
  return node_contents_from_json(answer.body);
}

Result<ContainerStatus> ContainerClient::status(const std::string& container_id) {
  HOP_TRY(Message answer, call({{"op", "status"}, {"id", container_id}}));
  return container_status_from_json(member(answer.body, "container"));
}

Result<StreamSession> ContainerClient::exec(const ExecSpec& spec) {
  HOP_TRY(MessageSocket socket, open());
  HOP_TRY(Message answer, ask(socket, {{"op", "exec"}, {"spec", to_json(spec)}}));
  return StreamSession::from_answer(std::move(socket), std::move(answer));
}

Result<StreamSession> ContainerClient::attach(const std::string& container_id) {
  HOP_TRY(MessageSocket socket, open());
  HOP_TRY(Message answer, ask(socket, {{"op", "attach"}, {"id", container_id}}));
  return StreamSession::from_answer(std::move(socket), std::move(answer));
}

Result<PendingAttach> ContainerClient::attach_when_started(const std::string& container_id) {
  HOP_TRY(MessageSocket socket, open());
  HOP_CHECK(ask(socket, {{"op", "attach"}, {"id", container_id}, {"whenStarted", true}}));
  return PendingAttach(std::move(socket));
}

Result<EventSubscription> ContainerClient::subscribe() {
  HOP_TRY(MessageSocket socket, open());
  HOP_TRY([[maybe_unused]] Message answer, ask(socket, {{"op", "subscribe"}}));
  return EventSubscription(std::move(socket));
}

}  // namespace hoplab::proc
