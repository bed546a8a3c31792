#pragma once

#include <functional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "runtime/base/log.h"

namespace hoplab {

using ThreadBody = std::function<void(const std::stop_token&)>;

/// What follows an exception that left a thread's body, once it is logged. Runs in that thread and
/// must not throw.
using AfterThrow = std::function<void()>;

/// Ends the process with exit code 1: for a loop without which it only seems to work. Its
/// supervisor (node-init, the systemd unit, the user) starts it again. No destructor runs: other
/// threads still use the objects.
[[noreturn]] void end_process();

/// Ends nothing but the thread: for one whose end its owner sees anyway.
void end_thread();

/// Starts a thread whose body may throw: the exception is logged with the thread's name, then
/// `after` is called, where the bare std::thread would end the process without a word. `ps -L`
/// shows the first 15 characters of the name. Throws std::system_error like std::jthread when the
/// system has no thread left.
std::jthread start_guarded(std::string name, AfterThrow after, ThreadBody body, Log log);

/// The same for a body with or without a parameter for the stop token.
template <typename Body>
std::jthread start_thread(std::string name, AfterThrow after, Body body, Log log = Log("thread")) {
  if constexpr (std::is_invocable_v<Body&, const std::stop_token&>) {
    return start_guarded(std::move(name), std::move(after), std::move(body), std::move(log));
  } else {
    return start_guarded(
        std::move(name), std::move(after),
        [body = std::move(body)](const std::stop_token&) mutable { body(); }, std::move(log));
  }
}

}  // namespace hoplab
