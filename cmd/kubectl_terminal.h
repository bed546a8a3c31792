#pragma once

#include <termios.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "runtime/base/fd.h"

namespace hoplab::cmd::kubectl {

/// Our own terminal while a remote program owns the keyboard: raw, given back at the end and on
/// every signal that ends us; its size is reported at once and whenever it changes. Make it before
/// other threads start: it blocks the signals it waits for. One at a time.
class RawTerminal {
 public:
  using Resized = std::function<void(uint16_t rows, uint16_t columns)>;
  /// Fails when `fd` is no terminal.
  static Result<std::unique_ptr<RawTerminal>> open(int fd, Resized resized);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

 private:
  RawTerminal(int fd, Resized resized) : fd_(fd), resized_(std::move(resized)) {}
  Result<void> start();
  void watch_signals();
  void report_size();
  void restore();

  int fd_;
  Resized resized_;
  termios before_{};
  Fd signals_;
  Fd stop_;
  std::jthread thread_;
};

}  // namespace hoplab::cmd::kubectl
