#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/tunnel/bpf_code.h"

namespace hoplab::tunnel::bpf {

/// A program for traffic control (BPF_PROG_TYPE_SCHED_CLS) in the kernel. It lives as long as this
/// object or a filter holds it. Needs CAP_BPF and CAP_NET_ADMIN of the machine itself, not of a
/// user namespace.
class Program {
 public:
  /// `name`: at most 15 letters, digits, underscores. When the kernel refuses, the error has its
  /// reason and the end of the verifier's log.
  static Result<Program> load(const std::string& name, const Code& code);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The kernel's hash of the instructions, as `tc filter show` prints it.
  [[nodiscard]] uint64_t tag() const { return tag_; }

 private:
  Program(Fd fd, uint64_t tag) : fd_(std::move(fd)), tag_(tag) {}
  Fd fd_;
  uint64_t tag_ = 0;
};

}  // namespace hoplab::tunnel::bpf
