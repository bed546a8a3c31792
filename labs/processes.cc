#include "labs/processes.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

std::string command_line(int pid) {
  auto text = read_file(str("/proc/", pid, "/cmdline"), 1U << 16U);
  if (!text) return {};
  std::string line = *std::move(text);
  while (line.ends_with('\0')) line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

/// /proc/PID/stat behind the name: state, ppid, …; empty when there is no such process.
std::string stat_of(int pid) {
  auto text = read_file(str("/proc/", pid, "/stat"), 4096);
  if (!text) return {};
  auto end = text->rfind(')');
  return end == std::string::npos ? std::string() : text->substr(end + 1);
}

}  // namespace

std::string namespace_of(int pid, const std::string& kind) {
  std::array<char, 64> text{};
  const std::string path = str("/proc/", pid, "/ns/", kind);
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<size_t>(size)) : std::string();
}

std::vector<Process> all_processes() {
  std::vector<Process> found;
  const std::string host = namespace_of(1, "net");
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  while (dir) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    Process process;
    auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), process.pid);
    if (ec != std::errc() || end != name.data() + name.size()) continue;
    process.command = command_line(process.pid);
    const std::string its = namespace_of(process.pid, "net");
    process.own_network = !its.empty() && its != host;
    found.push_back(std::move(process));
  }
  std::sort(found.begin(), found.end(),
            [](const Process& a, const Process& b) { return a.pid < b.pid; });
  return found;
}

std::set<int> own_line() {
  std::set<int> line;
  int pid = ::getpid();
  while (pid > 1 && line.insert(pid).second) {
    const std::string stat = stat_of(pid);
    auto fields = words(std::string_view(stat));
    pid = 0;
    if (fields.size() > 1) {
      std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), pid);
    }
  }
  return line;
}

bool is_running(int pid) {
  const std::string stat = stat_of(pid);
  auto fields = words(std::string_view(stat));
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

}  // namespace hoplab::labs
