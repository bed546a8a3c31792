#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/proc/log_writer.h"
#include "runtime/proc/node_init_loop.h"

namespace hoplab::proc {

/// One container's output: read from its pipes or terminal, written to its log and to whoever is
/// attached. An attached client that does not read holds the container's output up (as in any
/// runtime), but only for `stall_limit`; then it is cut off.
class ContainerStreams {
 public:
  static constexpr Millis stall_limit{10'000};

  ContainerStreams(EventLoop& loop, Log log, LogWriter writer);
  ContainerStreams(const ContainerStreams&) = delete;
  ContainerStreams& operator=(const ContainerStreams&) = delete;
  ~ContainerStreams();

  /// Read ends of the pipes; with a terminal its master as `output` and no `error`.
  Result<void> start(Fd output, Fd error);
  [[nodiscard]] const Fd& output() const { return output_.source; }

  /// A client's pipes, write ends; `error` may be invalid.
  Result<void> attach(uint64_t client, Fd output, Fd error);
  void detach(uint64_t client);

  /// Takes what is left once the container's processes are gone and closes everything.
  void finish();

 private:
  struct Sink {
    uint64_t client = 0;
    Fd fd;
    std::string backlog;
    EventLoop::TimerId stall_timer = 0;
  };
  struct Source {
    LogStream stream = LogStream::standard_output;
    Fd source;
    std::list<Sink> sinks;
  };

  void pump(Source& source);
  void send(Source& source, Sink& sink, std::string_view bytes);
  void drop(Source& source, const Sink& sink);
  void close_source(Source& source);
  static bool held_up(const Source& source);
  Result<void> add_sink(Source& source, uint64_t client, Fd fd);

  EventLoop& loop_;
  Log log_;
  LogWriter writer_;
  SystemClock clock_;
  Source output_;
  Source error_;
};

}  // namespace hoplab::proc
