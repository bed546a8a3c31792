#pragma once

#include <set>
#include <string>
#include <vector>

namespace hoplab::labs {

/// A process of the host we are in, read from /proc.
struct Process {
  int pid = 0;
  std::string command;       ///< Its arguments with blanks between; empty for a zombie.
  bool own_network = false;  ///< In another network namespace than the host's pid 1.
};

std::vector<Process> all_processes();
/// The namespace behind /proc/PID/ns/KIND ("net:[4026531840]"); empty when it cannot be read.
std::string namespace_of(int pid, const std::string& kind);
/// The caller and all above it.
std::set<int> own_line();
/// False for a zombie: it holds nothing any more.
bool is_running(int pid);

}  // namespace hoplab::labs
