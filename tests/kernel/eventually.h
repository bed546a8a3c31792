#pragma once

#include <thread>

#include "runtime/base/clock.h"

namespace hoplab::test {

/// Looks until it holds. The time is only for a condition that will never hold: on a busy computer
/// everything may take long.
template <typename Condition>
bool eventually(const Condition& holds, Millis patience = Millis(30'000)) {
  const SteadyTime end = SystemClock().steady() + patience;
  for (;;) {
    if (holds()) return true;
    if (SystemClock().steady() >= end) return false;
    std::this_thread::sleep_for(Millis(10));
  }
}

}  // namespace hoplab::test
