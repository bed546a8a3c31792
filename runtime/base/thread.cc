#include "runtime/base/thread.h"

#include <pthread.h>

#include <cstdlib>
#include <exception>

#include "runtime/base/text.h"

namespace hoplab {

namespace {

constexpr size_t most_name = 15;  ///< The kernel's bound, without the final zero.

}  // namespace

void end_process() {
  std::_Exit(EXIT_FAILURE);
}

void end_thread() {}

std::jthread start_guarded(std::string name, AfterThrow after, ThreadBody body, Log log) {
  return std::jthread([name = std::move(name), after = std::move(after), body = std::move(body),
                       log = std::move(log)](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), name.substr(0, most_name).c_str());
    try {
      body(stop);
      return;
    } catch (const std::exception& e) {
      log.error(str("thread ", name, " failed: ", e.what()));
    } catch (...) {
      log.error(str("thread ", name, " failed: an exception of unknown type"));
    }
    after();
  });
}

}  // namespace hoplab
