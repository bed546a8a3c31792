// exec and attach. Two threads: the connection's own reads frames; a second one, the carrier, waits
// on the process' descriptors. Input is queued between them, so that the frame reader waits only
// when megabytes are pending, and never for the process itself.

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <thread>

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "web/api_error.h"
#include "web/spdy.h"
#include "web/stream_session.h"

namespace hoplab::web {

namespace {

constexpr size_t max_queued_input = size_t{4} << 20U;
/// A resize is some 30 bytes.
constexpr size_t max_resize_text = 4096;
/// A pipe that polls writable takes this much without blocking; a terminal at least so much.
constexpr size_t pipe_piece = 4096;
constexpr size_t terminal_piece = 256;
constexpr Millis streams_timeout{30'000};
/// After the process' end, output that its children hold open is waited for so long.
constexpr Millis silence_after_exit{200};
constexpr Millis linger{1'000};
constexpr char end_of_transmission = 0x04;

Json exit_status(const Result<int>& code) {
  Json success = {{"metadata", Json::object()}, {"status", "Success"}};
  if (!code) {
    Json failure = status_json(code.error());
    failure["reason"] = "InternalError";
    return failure;
  }
  if (*code == 0) return success;
  const std::string number = std::to_string(*code);
  return {{"metadata", Json::object()},
          {"status", "Failure"},
          {"message", "command terminated with non-zero exit code: exit status " + number},
          {"reason", "NonZeroExitCode"},
          {"details", {{"causes", {{{"reason", "ExitCode"}, {"message", number}}}}}}};
}

class ProcessSession {
 public:
  ProcessSession(Connection& connection, const ExecRequest& request, bool always_success,
                 const StartProcess& start)
      : connection_(connection),
        request_(request),
        always_success_(always_success),
        start_(start),
        session_(connection, spdy::Session::Side::server),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void run() {
    auto carrier = start_thread(
        "process-streams", [this] { connection_.cut(); }, [this] { carry_and_finish(); });
    spdy::Session::Events events;
    events.opened = [this](uint32_t stream, const Headers& headers) { opened(stream, headers); };
    events.data = [this](uint32_t stream, std::string_view data, bool fin) {
      received(stream, data, fin);
    };
    (void)session_.run(events);  // However it ends: the client is gone.
    {
      std::lock_guard lock(mutex_);
      client_gone_ = true;
      changed_.notify_all();
    }
    wake_carrier();
    carrier.join();
  }

 private:
  // The frame reader's side.

  void opened(uint32_t stream, const Headers& headers) {
    const std::string type = header_of(headers, "streamtype");
    if (type != "error" && type != "stdin" && type != "stdout" && type != "stderr" &&
        type != "resize") {
      return;
    }
    std::lock_guard lock(mutex_);
    streams_[type] = stream;
    changed_.notify_all();
  }

  void received(uint32_t stream, std::string_view data, bool fin) {
    std::unique_lock lock(mutex_);
    if (stream == stream_of("resize")) {
      resize_text_ +=
          data.substr(0, max_resize_text - std::min(max_resize_text, resize_text_.size()));
    } else if (stream == stream_of("stdin")) {
      changed_.wait(lock, [this] { return input_.size() < max_queued_input || finished_; });
      if (input_closed_) return;  // Else this would fill up, and hide that the client leaves.
      input_ += data;
      input_ended_ = input_ended_ || fin;
    } else {
      return;
    }
    lock.unlock();
    wake_carrier();
  }

  void wake_carrier() const {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t did = write(wake_.get(), &one, sizeof one);
  }

  [[nodiscard]] uint32_t stream_of(const std::string& type) const {
    auto found = streams_.find(type);
    return found == streams_.end() ? 0 : found->second;
  }

  // The carrier's side.

  bool wait_for_streams() {
    std::unique_lock lock(mutex_);
    auto there = [this] {
      return client_gone_ ||
             (streams_.contains("error") && streams_.contains("stdin") >= request_.input &&
              streams_.contains("stdout") >= request_.output &&
              streams_.contains("stderr") >= request_.error &&
              streams_.contains("resize") >= request_.tty);
    };
    const bool complete = changed_.wait_for(lock, streams_timeout, there) && !client_gone_;
    carried_ = streams_;
    return complete;
  }

  void carry_and_finish() {
    if (wait_for_streams()) {
      auto process = start_();
      Result<int> code = 0;
      if (process) {
        process_ = std::move(*process);
        carry();
        code = client_gone_ ? Result<int>(0) : process_->wait(Millis(5'000));
        if (always_success_) code = 0;
      } else {
        code = process.error();
      }
      finish(code);
      process_.reset();
    }
    {
      std::lock_guard lock(mutex_);
      finished_ = true;
      changed_.notify_all();
    }
    // The client closes when it has read the end; then the frame reader ends as well.
    if (!client_gone_) connection_.finish(linger);
    connection_.cut();
  }

  void finish(const Result<int>& code) {
    for (const char* type : {"stdout", "stderr"}) {
      if (carried_.contains(type)) (void)session_.write(carried_[type], {}, true);
    }
    (void)session_.write(carried_["error"], dump_json(exit_status(code)), true);
  }

  /// Until the process has ended and its output is carried, or the client is gone.
  void carry() {
    int output = process_->output();
    int error = process_->error();
    bool exited = false;
    while (!client_gone_ && (output >= 0 || error >= 0 || !exited)) {
      apply_resize();
      pollfd fds[5] = {{wake_.get(), POLLIN, 0},
                       {output, POLLIN, 0},
                       {error, POLLIN, 0},
                       {exited ? -1 : process_->exit_fd(), POLLIN, 0},
                       {input_wanted() ? process_->input() : -1, POLLOUT, 0}};
      int timeout = exited ? static_cast<int>(silence_after_exit.count()) : -1;
      int ready = poll(fds, 5, timeout);
      if (ready == 0 || (ready < 0 && errno != EINTR)) return;
      if (fds[0].revents != 0) drain_wake();
      if (fds[1].revents != 0 && !copy(output, "stdout")) output = -1;
      if (fds[2].revents != 0 && !copy(error, "stderr")) error = -1;
      if (fds[3].revents != 0) exited = true;
      if (fds[4].revents != 0) feed();
      if (output < 0 && error < 0 && process_->exit_fd() < 0) return;
    }
  }

  void drain_wake() const {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t did = read(wake_.get(), &count, sizeof count);
  }

  /// False at the end of that output.
  bool copy(int fd, const char* type) {
    char data[16384];
    ssize_t got = read(fd, data, sizeof data);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return false;  // EIO is a terminal's way to end.
    auto stream = carried_.find(type);
    if (stream == carried_.end()) return true;
    if (session_.write(stream->second, {data, static_cast<size_t>(got)}, false)) return true;
    client_gone_ = true;
    return false;
  }

  bool input_wanted() {
    std::lock_guard lock(mutex_);
    return process_->input() >= 0 && !input_closed_ && (!input_.empty() || input_ended_);
  }

  void feed() {
    std::unique_lock lock(mutex_);
    std::string piece = input_.substr(0, process_->tty() ? terminal_piece : pipe_piece);
    const bool at_end = input_.empty() && input_ended_;
    lock.unlock();
    if (at_end && process_->tty()) piece = end_of_transmission;
    ssize_t did = piece.empty() ? 0 : write(process_->input(), piece.data(), piece.size());
    if (did < 0 && (errno == EAGAIN || errno == EINTR)) return;
    lock.lock();
    if (at_end || did < 0) {  // A process that reads no more is no error.
      input_closed_ = true;
      input_.clear();
      if (!process_->tty()) process_->close_input();
    } else {
      input_.erase(0, static_cast<size_t>(did));
    }
    changed_.notify_all();
  }

  /// The client sends {"Width":80,"Height":24}, one after the other.
  void apply_resize() {
    std::string text;
    {
      std::lock_guard lock(mutex_);
      auto end = resize_text_.rfind('}');
      if (end == std::string::npos) return;
      auto begin = resize_text_.rfind('{', end);
      if (begin != std::string::npos) text = resize_text_.substr(begin, end - begin + 1);
      resize_text_.erase(0, end + 1);
    }
    auto size = parse_json(text);
    if (!size) return;
    const int64_t rows = int_or(*size, "Height");
    const int64_t columns = int_or(*size, "Width");
    if (rows > 0 && rows < 10'000 && columns > 0 && columns < 10'000) {
      process_->resize(static_cast<uint16_t>(rows), static_cast<uint16_t>(columns));
    }
  }

  Connection& connection_;
  const ExecRequest& request_;
  const bool always_success_;
  const StartProcess& start_;
  spdy::Session session_;
  Fd wake_;
  std::unique_ptr<ProcessStreams> process_;  ///< The carrier's alone.
  std::map<std::string, uint32_t> carried_;  ///< Likewise: the streams at the start.
  std::atomic<bool> client_gone_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, uint32_t> streams_;
  std::string input_;
  std::string resize_text_;
  bool input_ended_ = false;
  bool input_closed_ = false;
  bool finished_ = false;
};

}  // namespace

void run_process_session(Connection& connection, const ExecRequest& request, bool always_success,
                         const StartProcess& start) {
  ProcessSession(connection, request, always_success, start).run();
}

}  // namespace hoplab::web
