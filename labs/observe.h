#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "labs/check.h"
#include "labs/view.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::labs {

/// Reads what the check's kind looks at, or sends its packet. To be called inside the host, by a
/// process with one thread (it may fork). The host's own network namespace is that of its pid 1, so
/// that a learner may ask from a shell in another namespace. An error is not about the learner's
/// work: a program that is missing, a file that cannot be read.
Result<View> observe(const Check& check);

/// Processes with exactly this command line, oldest first.
std::vector<ProcessView> find_processes(const std::string& command);
/// The network namespace of the host we are in.
Result<Fd> host_netns();
/// Names that `ip netns list` shows.
std::vector<std::string> named_namespaces();

/// What one program printed (its standard output, at most 16 MB) and how it ended.
struct Captured {
  int code = 0;
  std::string output;
};
/// Told of everything as it comes.
using OutputSink = std::function<void(std::string_view)>;
/// Runs it in a network namespace (-1: here) with `input`. With a sink, its standard error is part
/// of the output, too. What it leaves running in the background is not waited for.
Result<Captured> capture(const std::vector<std::string>& argv, int netns_fd,
                         const std::string& input = {}, const OutputSink& sink = {});
/// What a lesson's commands find as their environment: as in `hoplab shell`.
std::vector<std::string> environment_of_commands();

}  // namespace hoplab::labs
