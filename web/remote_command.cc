#include "web/remote_command.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "web/spdy.h"

namespace hoplab::web {

namespace {

Headers upgrade_headers(const std::string& protocol) {
  return {
      {"Connection", "Upgrade"}, {"Upgrade", "SPDY/3.1"}, {"X-Stream-Protocol-Version", protocol}};
}

std::string pod_path(const std::string& namespace_name, const std::string& pod,
                     const std::string& action) {
  return Client::path_of(api::kind_of("Pod"), namespace_name, pod) + "/" + action;
}

/// Reads `fd` into `take` until its end, a false `take`, or a byte at `wake`.
void read_until_woken(int fd, int wake, const std::function<bool(std::string_view)>& take) {
  char data[16384];
  for (;;) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {wake, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    if (fds[0].revents == 0) continue;
    ssize_t got = read(fd, data, sizeof data);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (!take({data, got > 0 ? static_cast<size_t>(got) : 0}) || got <= 0) return;
  }
}

void wake_up(const Fd& wake) {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t did = write(wake.get(), &one, sizeof one);
}

/// The Status that ends a session.
Result<int> exit_code_of(const std::string& text) {
  auto status = parse_json(text);
  if (!status) return Error(ErrorCode::unavailable, "the session ended without a status");
  if (string_or(*status, "status") == "Success") return 0;
  const Json& causes = at_path(*status, "details.causes");
  for (size_t i = 0; causes.is_array() && i < causes.size(); ++i) {
    if (string_or(causes[i], "reason") == "ExitCode") {
      return static_cast<int>(strtol(string_or(causes[i], "message").c_str(), nullptr, 10));
    }
  }
  return Error(ErrorCode::internal, string_or(*status, "message"));
}

}  // namespace

struct RemoteProcess::State {
  explicit State(std::unique_ptr<Connection> to)
      : connection(std::move(to)), session(*connection, spdy::Session::Side::client) {}

  std::unique_ptr<Connection> connection;
  spdy::Session session;
  uint32_t error_stream = 0;
  uint32_t input_stream = 0;
  uint32_t output_stream = 0;
  uint32_t error_output_stream = 0;
  uint32_t resize_stream = 0;
};

RemoteProcess::RemoteProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
RemoteProcess::~RemoteProcess() = default;

Result<std::unique_ptr<RemoteProcess>> RemoteProcess::open(Client& client,
                                                           const std::string& namespace_name,
                                                           const std::string& pod,
                                                           const RemoteCommandOptions& options) {
  Query query;
  for (const std::string& word : options.command) query.add("command", word);
  if (!options.container.empty()) query.add("container", options.container);
  if (options.input) query.add("stdin", "true");
  query.add("stdout", "true");
  query.add(options.tty ? "tty" : "stderr", "true");
  const char* action = options.command.empty() ? "attach" : "exec";
  HOP_TRY(auto answer,
          client.open_upgrade(pod_path(namespace_name, pod, action) + "?" + query.text(),
                              upgrade_headers("v4.channel.k8s.io")));
  auto state = std::make_unique<State>(answer->take_connection());
  auto open_stream = [&state](const char* type) {
    return state->session.open({{"streamtype", type}});
  };
  HOP_TRY(state->error_stream, open_stream("error"));
  if (options.input) {
    HOP_TRY(state->input_stream, open_stream("stdin"));
  }
  HOP_TRY(state->output_stream, open_stream("stdout"));
  if (options.tty) {
    HOP_TRY(state->resize_stream, open_stream("resize"));
  } else {
    HOP_TRY(state->error_output_stream, open_stream("stderr"));
  }
  return std::unique_ptr<RemoteProcess>(new RemoteProcess(std::move(state)));
}

void RemoteProcess::resize(uint16_t rows, uint16_t columns) {
  if (state_->resize_stream == 0) return;
  (void)state_->session.write(state_->resize_stream,
                              str("{\"Width\":", columns, ",\"Height\":", rows, "}\n"), false);
}

Result<int> RemoteProcess::run(int input, int output, int error) {
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::jthread reader;
  if (state_->input_stream != 0 && input >= 0) {
    reader = start_thread("remote-input", end_process, [&] {
      read_until_woken(input, wake.get(), [&](std::string_view data) {
        return state_->session.write(state_->input_stream, data, data.empty()).ok();
      });
    });
  }
  std::string status;
  spdy::Session::Events events;
  events.opened = [](uint32_t, const Headers&) {};
  events.data = [&](uint32_t stream, std::string_view data, bool fin) {
    if (stream == state_->output_stream && output >= 0) (void)write_all(output, data);
    if (stream == state_->error_output_stream && error >= 0) (void)write_all(error, data);
    if (stream != state_->error_stream) return;
    status += data;
    if (fin) (void)state_->session.go_away();
  };
  auto ended = state_->session.run(events);
  wake_up(wake);
  if (reader.joinable()) reader.join();
  if (status.empty() && !ended) return std::move(ended).error();
  return exit_code_of(status);
}

Result<void> forward_connection(Client& client, const std::string& namespace_name,
                                const std::string& pod, uint16_t port, Fd local) {
  HOP_TRY(auto answer, client.open_upgrade(pod_path(namespace_name, pod, "portforward"),
                                           upgrade_headers("portforward.k8s.io")));
  auto connection = answer->take_connection();
  spdy::Session session(*connection, spdy::Session::Side::client);
  Headers headers = {{"port", std::to_string(port)}, {"requestid", "0"}, {"streamtype", "error"}};
  HOP_TRY(const uint32_t error_stream, session.open(headers));
  HOP_CHECK(session.write(error_stream, {}, true));
  headers.find("streamtype")->second = "data";
  HOP_TRY(const uint32_t data_stream, session.open(headers));
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  auto cut = [&connection] { connection->cut(); };
  auto upwards = start_thread("forward", cut, [&] {
    read_until_woken(local.get(), wake.get(), [&](std::string_view data) {
      return session.write(data_stream, data, data.empty()).ok();
    });
  });
  std::string error;
  spdy::Session::Events events;
  events.opened = [](uint32_t, const Headers&) {};
  events.data = [&](uint32_t stream, std::string_view data, bool fin) {
    if (stream == error_stream) error += data;
    if (stream == data_stream && !data.empty()) (void)write_all(local.get(), data);
    if (stream == data_stream && fin) shutdown(local.get(), SHUT_WR);
    // The agent ends both streams, the error's last.
    if (stream == error_stream && fin) (void)session.go_away();
    if (stream == error_stream && fin) connection->cut();
  };
  (void)session.run(events);
  wake_up(wake);
  upwards.join();
  if (!error.empty()) return Error(ErrorCode::unavailable, error);
  return {};
}

}  // namespace hoplab::web
