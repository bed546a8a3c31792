#include "runtime/proc/node_init_streams.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace hoplab::proc {

namespace {

constexpr size_t read_size = 32U << 10U;

/// Sources stay blocking, because a terminal's flags are shared with whoever is attached to it.
bool is_readable(const Fd& fd) {
  pollfd waiting{fd.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

/// The last of a container's output for a client that is slower than the container's end. Owned by
/// the loop's callbacks, because the container may be forgotten meanwhile.
struct Remainder {
  Fd fd;
  std::string bytes;
  EventLoop::TimerId limit = 0;
};

void send_remainder(EventLoop& loop, Fd fd, std::string bytes, Millis limit) {
  auto left = std::make_shared<Remainder>(Remainder{std::move(fd), std::move(bytes)});
  const auto over = [&loop](const std::shared_ptr<Remainder>& done) {
    if (done->limit != 0) loop.cancel(std::exchange(done->limit, 0));
    loop.forget(done->fd.get());
  };
  auto watched = loop.watch(left->fd.get(), EPOLLOUT, [left, over](uint32_t events) {
    ssize_t n = (events & EPOLLOUT) == 0
                    ? -1
                    : ::write(left->fd.get(), left->bytes.data(), left->bytes.size());
    if (n < 0 && (events & EPOLLOUT) != 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n > 0) left->bytes.erase(0, static_cast<size_t>(n));
    if (n <= 0 || left->bytes.empty()) over(left);
  });
  if (!watched) return;
  left->limit = loop.after(limit, [left, over] {
    left->limit = 0;
    over(left);
  });
}

}  // namespace

ContainerStreams::ContainerStreams(EventLoop& loop, Log log, LogWriter writer)
    : loop_(loop), log_(std::move(log)), writer_(std::move(writer)) {
  error_.stream = LogStream::standard_error;
}

ContainerStreams::~ContainerStreams() {
  finish();
}

Result<void> ContainerStreams::start(Fd output, Fd error) {
  output_.source = std::move(output);
  error_.source = std::move(error);
  for (Source* source : {&output_, &error_}) {
    if (!source->source) continue;
    HOP_CHECK(
        loop_.watch(source->source.get(), EPOLLIN, [this, source](uint32_t) { pump(*source); }));
  }
  return {};
}

Result<void> ContainerStreams::add_sink(Source& source, uint64_t client, Fd fd) {
  HOP_CHECK(set_nonblocking(fd.get(), true));
  Sink& sink = source.sinks.emplace_back();
  sink.client = client;
  sink.fd = std::move(fd);
  auto watched = loop_.watch(sink.fd.get(), 0, [this, &source, &sink](uint32_t events) {
    if ((events & EPOLLOUT) != 0) return send(source, sink, {});
    drop(source, sink);  // the client closed its end
  });
  if (!watched) source.sinks.pop_back();
  return watched;
}

Result<void> ContainerStreams::attach(uint64_t client, Fd output, Fd error) {
  if (output) HOP_CHECK(add_sink(output_, client, std::move(output)));
  if (error) HOP_CHECK(add_sink(error_, client, std::move(error)));
  return {};
}

void ContainerStreams::detach(uint64_t client) {
  for (Source* source : {&output_, &error_}) {
    for (auto sink = source->sinks.begin(); sink != source->sinks.end();) {
      const Sink& one = *sink++;
      if (one.client == client) drop(*source, one);
    }
  }
}

bool ContainerStreams::held_up(const Source& source) {
  for (const Sink& sink : source.sinks) {
    if (!sink.backlog.empty()) return true;
  }
  return false;
}

void ContainerStreams::drop(Source& source, const Sink& sink) {
  loop_.forget(sink.fd.get());
  if (sink.stall_timer != 0) loop_.cancel(sink.stall_timer);
  source.sinks.remove_if([&sink](const Sink& other) { return &other == &sink; });
  if (source.source && !held_up(source)) loop_.change(source.source.get(), EPOLLIN);
}

void ContainerStreams::send(Source& source, Sink& sink, std::string_view bytes) {
  sink.backlog.append(bytes);
  while (!sink.backlog.empty()) {
    ssize_t n = ::write(sink.fd.get(), sink.backlog.data(), sink.backlog.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return drop(source, sink);
    if (n < 0) break;
    sink.backlog.erase(0, static_cast<size_t>(n));
    if (sink.stall_timer != 0) loop_.cancel(std::exchange(sink.stall_timer, 0));
  }
  bool waiting = !sink.backlog.empty();
  loop_.change(sink.fd.get(), waiting ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  if (waiting && sink.stall_timer == 0) {
    sink.stall_timer = loop_.after(stall_limit, [this, &source, &sink] {
      log_.warning("an attached client has not read for 10 s; it is cut off");
      sink.stall_timer = 0;
      drop(source, sink);
    });
  }
  if (source.source) {
    loop_.change(source.source.get(), held_up(source) ? 0U : static_cast<uint32_t>(EPOLLIN));
  }
}

/// One read of what is readable, so that no talkative container starves the others.
void ContainerStreams::pump(Source& source) {
  std::array<char, read_size> buffer;
  ssize_t n = ::read(source.source.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return close_source(source);  // the end; a terminal without users says EIO
  std::string_view bytes(buffer.data(), static_cast<size_t>(n));
  writer_.write(source.stream, bytes, clock_.wall());
  if (std::string failure = writer_.take_failure(); !failure.empty()) log_.warning(failure);
  for (auto sink = source.sinks.begin(); sink != source.sinks.end();) {
    Sink& one = *sink++;
    send(source, one, bytes);
  }
}

void ContainerStreams::close_source(Source& source) {
  if (!source.source) return;
  loop_.forget(source.source.get());
  source.source.reset();
}

void ContainerStreams::finish() {
  for (Source* source : {&output_, &error_}) {
    while (source->source && is_readable(source->source)) pump(*source);
    close_source(*source);
    while (!source->sinks.empty()) {
      Sink& sink = source->sinks.front();
      Fd fd = sink.backlog.empty() ? Fd() : std::move(sink.fd);
      std::string backlog = std::move(sink.backlog);
      if (fd) loop_.forget(fd.get());
      drop(*source, sink);
      if (fd) send_remainder(loop_, std::move(fd), std::move(backlog), stall_limit);
    }
  }
  writer_.finish(clock_.wall());
}

}  // namespace hoplab::proc
