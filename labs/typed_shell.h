#pragma once

#include <sys/types.h>

#include <string>

#include "labs/observe.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::labs {

/// A shell that is given one line after the other, as by a learner. One thread. At its end it is
/// killed; what it left running in the background stays.
class TypedShell {
 public:
  static Result<TypedShell> start();
  TypedShell(TypedShell&& other) noexcept;
  TypedShell& operator=(TypedShell&&) = delete;
  TypedShell(const TypedShell&) = delete;
  TypedShell& operator=(const TypedShell&) = delete;
  ~TypedShell();

  /// Types the line and waits until the shell is ready again: what was printed (errors, too) and
  /// the exit code. Fails when the shell has ended or nothing comes for two minutes.
  Result<Captured> type(const std::string& line);

 private:
  TypedShell(pid_t pid, Fd input, Fd output)
      : pid_(pid), input_(std::move(input)), output_(std::move(output)) {}
  pid_t pid_;
  Fd input_;
  Fd output_;
  int lines_ = 0;
};

}  // namespace hoplab::labs
