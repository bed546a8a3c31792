#include "runtime/proc/log_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/proc/log_format.h"

namespace hoplab::proc {

namespace {

constexpr int most_rotated = 1000;  ///< Bound of the search for PATH.n.
constexpr int most_missing = 2;     ///< Numbers in a row that a rotation may leave free.
constexpr size_t chunk = 64U << 10U;
constexpr Millis poll_interval{200};  ///< Where no inotify instance is to be had.

Result<struct stat> stat_fd(const Fd& fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Error::from_errno(errno, "reading a log file");
  return info;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Offsets at which whole lines (not continuations of partial ones) start.
Result<std::deque<off_t>> line_starts(const Fd& fd, size_t most) {
  std::deque<off_t> starts;
  std::string text;
  off_t text_at = 0;
  bool continued = false;
  std::array<char, chunk> block;
  for (;;) {
    ssize_t n =
        ::pread(fd.get(), block.data(), block.size(), text_at + static_cast<off_t>(text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "reading a log file");
    if (n == 0) return starts;
    text.append(block.data(), static_cast<size_t>(n));
    size_t at = 0;
    for (size_t newline; (newline = text.find('\n', at)) != std::string::npos; at = newline + 1) {
      if (!continued) starts.push_back(text_at + static_cast<off_t>(at));
      if (starts.size() > most) starts.pop_front();
      auto entry = parse_log_entry(std::string_view(text).substr(at, newline - at));
      continued = entry && entry->partial;
    }
    text.erase(0, at);
    text_at += static_cast<off_t>(at);
  }
}

}  // namespace

Result<LogReader> LogReader::open(const std::string& path, const LogQuery& query) {
  LogReader reader(path, query);
  reader.watch_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  std::string directory = path.substr(0, path.rfind('/') + 1);
  if (reader.watch_ && ::inotify_add_watch(reader.watch_.get(), directory.c_str(),
                                           IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
    reader.watch_.reset();
  }
  HOP_CHECK(reader.open_files(nullptr));
  if (query.tail_lines) HOP_CHECK(reader.skip_to_tail(*query.tail_lines));
  return reader;
}

Result<void> LogReader::open_files(const Fd* newer_than) {
  std::deque<Fd> found;
  std::vector<struct stat> known;
  if (newer_than != nullptr) {
    HOP_TRY(struct stat old, stat_fd(*newer_than));
    known.push_back(old);
  }
  // A rotation under way moves files to higher numbers, one after the other: a number is missing
  // for a moment (PATH itself until the new file is made), and a file may be met a second time.
  // Going upwards, none is passed by; a new PATH made meanwhile is found by rotated().
  int missing = 0;
  for (int number = 0; number < most_rotated && missing <= most_missing; ++number) {
    auto fd = open_fd(number == 0 ? path_ : str(path_, ".", number), O_RDONLY | O_NOFOLLOW);
    if (!fd && fd.error().code() != ErrorCode::not_found) return fd.error();
    if (!fd) {
      ++missing;
      continue;
    }
    missing = 0;
    HOP_TRY(struct stat info, stat_fd(*fd));
    if (newer_than != nullptr && same_file(info, known.front())) break;
    if (std::any_of(known.begin(), known.end(),
                    [&](const struct stat& each) { return same_file(info, each); })) {
      continue;
    }
    known.push_back(info);
    found.push_front(*std::move(fd));
  }
  if (found.empty() && newer_than == nullptr) {
    return Error(ErrorCode::not_found, "opening " + path_ + ": there is no log yet");
  }
  for (Fd& fd : found) files_.push_back(std::move(fd));
  return {};
}

Result<void> LogReader::skip_to_tail(int64_t lines) {
  auto wanted = static_cast<size_t>(std::max<int64_t>(lines, 0));
  for (size_t i = files_.size(); i-- > 0;) {
    HOP_TRY(auto starts, line_starts(files_[i], wanted));
    bool enough = starts.size() >= wanted;
    if (!enough) {
      wanted -= starts.size();
      continue;
    }
    off_t start = 0;
    if (wanted == 0) {
      HOP_TRY(struct stat info, stat_fd(files_[i]));
      start = info.st_size;
    } else {
      start = starts[starts.size() - wanted];
    }
    if (::lseek(files_[i].get(), start, SEEK_SET) < 0) {
      return Error::from_errno(errno, "reading " + path_);
    }
    files_.erase(files_.begin(), files_.begin() + static_cast<long>(i));
    return {};
  }
  return {};
}

Result<bool> LogReader::rotated() const {
  struct stat live {};
  if (::stat(path_.c_str(), &live) != 0) {
    // Between two renames of a rotation, or the pod was removed.
    if (errno == ENOENT) return false;
    return Error::from_errno(errno, "reading " + path_);
  }
  HOP_TRY(struct stat own, stat_fd(files_.front()));
  return !same_file(live, own);
}

Result<bool> LogReader::read_more() {
  std::array<char, chunk> block;
  bool known_old = files_.size() > 1;
  for (;;) {
    ssize_t n = ::read(files_.front().get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "reading " + path_);
    if (n > 0) {
      buffer_.append(block.data(), static_cast<size_t>(n));
      return true;
    }
    if (known_old) {
      files_.pop_front();
      known_old = files_.size() > 1;
      continue;
    }
    HOP_TRY(bool moved, rotated());
    if (!moved) {
      HOP_TRY(struct stat info, stat_fd(files_.front()));
      off_t at = ::lseek(files_.front().get(), 0, SEEK_CUR);
      if (info.st_size >= at) return false;
      ::lseek(files_.front().get(), 0, SEEK_SET);  // emptied in place
      continue;
    }
    // Nothing is written to a file once it is rotated: read its rest, then go on.
    HOP_CHECK(open_files(&files_.front()));
    known_old = files_.size() > 1;
  }
}

std::string LogReader::take_lines() {
  std::string out;
  size_t at = 0;
  for (size_t newline; (newline = buffer_.find('\n', at)) != std::string::npos; at = newline + 1) {
    auto entry = parse_log_entry(std::string_view(buffer_).substr(at, newline - at));
    if (!entry) continue;
    bool continues = line_open_;
    line_open_ = entry->partial;
    if (query_.since && entry->time < *query_.since) continue;
    if (query_.timestamps && !continues) out += log_timestamp(entry->time) + " ";
    out.append(entry->text);
    if (!entry->partial) out.push_back('\n');
  }
  buffer_.erase(0, at);
  if (left_ && static_cast<int64_t>(out.size()) > *left_) out.resize(static_cast<size_t>(*left_));
  if (left_) *left_ -= static_cast<int64_t>(out.size());
  return out;
}

Result<std::optional<std::string>> LogReader::read() {
  while (!at_limit()) {
    HOP_TRY(bool more, read_more());
    if (!more) return std::optional<std::string>{};
    std::string text = take_lines();
    if (!text.empty()) return std::optional<std::string>(std::move(text));
  }
  return std::optional<std::string>{};
}

void LogReader::wait(Millis timeout) {
  if (!watch_) {
    std::this_thread::sleep_for(std::min(timeout, poll_interval));
    return;
  }
  pollfd waiting{watch_.get(), POLLIN, 0};
  ::poll(&waiting, 1, static_cast<int>(timeout.count()));
  std::array<char, 4096> events;
  while (::read(watch_.get(), events.data(), events.size()) > 0) {
  }
}

}  // namespace hoplab::proc
