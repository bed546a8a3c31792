#include "runtime/agent/termination_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/proc/log_reader.h"

namespace hoplab::agent {

namespace {

constexpr size_t most_bytes = 4096;
constexpr size_t most_log_bytes = 2048;
constexpr int64_t most_log_lines = 80;

std::string end_of_file(const std::string& path) {
  // The container may have put anything under that name if it could: no links, no waiting.
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  const size_t size = std::min<size_t>(static_cast<size_t>(info.st_size), most_bytes);
  std::string text(size, '\0');
  const ssize_t got =
      ::pread(file.get(), text.data(), size, info.st_size - static_cast<off_t>(size));
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

std::string end_of_log(const std::string& path) {
  proc::LogQuery query;
  query.tail_lines = most_log_lines;
  auto reader = proc::LogReader::open(path, query);
  if (!reader) return "";
  std::string text;
  for (;;) {
    auto piece = reader->read();
    if (!piece || !*piece) break;
    text += **piece;
    if (text.size() > most_log_bytes) text.erase(0, text.size() - most_log_bytes);
  }
  return text;
}

}  // namespace

Result<void> offer_message_file(const std::string& on_node, const Json& container,
                                proc::ContainerSpec& spec) {
  const std::string place = string_or(container, "terminationMessagePath", "/dev/termination-log");
  const bool taken = std::any_of(spec.mounts.begin(), spec.mounts.end(),
                                 [&](const proc::Mount& mount) { return mount.target == place; });
  // A privileged container sees the node's own /dev, where nothing can be made.
  if (taken || (spec.security.privileged && place.starts_with("/dev/"))) return {};
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(on_node).parent_path(), code);
  if (code) return Error::from_errno(code.value(), "making the folder of " + on_node);
  HOP_CHECK(write_file(on_node, ""));
  // Whoever the container runs as may write it.
  if (::chmod(on_node.c_str(), 0666) != 0) return Error::from_errno(errno, "opening up " + on_node);
  spec.mounts.push_back({on_node, place, false, false});
  return {};
}

std::string read_termination_message(const std::string& on_node, const Json& container,
                                     int exit_code, const std::string& log) {
  std::string message = end_of_file(on_node);
  const bool falls_back =
      string_or(container, "terminationMessagePolicy") == "FallbackToLogsOnError";
  return message.empty() && exit_code != 0 && falls_back ? end_of_log(log) : message;
}

}  // namespace hoplab::agent
