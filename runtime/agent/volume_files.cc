#include "runtime/agent/volume_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <set>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace fs = std::filesystem;

namespace {

constexpr const char* data_link = "..data";

/// Keys of a ConfigMap come from users.
Result<void> check_inside(const std::string& path) {
  fs::path p(path);
  bool climbs = std::find(p.begin(), p.end(), fs::path("..")) != p.end();
  if (path.empty() || p.is_absolute() || climbs || path.starts_with("..")) {
    return Error(ErrorCode::invalid, "path \"" + path + "\" must be relative and without \"..\"");
  }
  return {};
}

/// What the folder shows now; nothing when it was never published.
VolumeFiles published(const std::string& folder) {
  VolumeFiles out;
  std::error_code code;
  fs::path data = fs::path(folder) / data_link;
  for (const auto& entry : fs::recursive_directory_iterator(fs::canonical(data, code), code)) {
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    auto bytes = read_file(entry.path());
    if (!bytes) continue;
    out[entry.path().lexically_relative(fs::canonical(data, code))] = {*std::move(bytes),
                                                                       info.st_mode & 07777U};
  }
  return out;
}

/// "..2026_11_23_05_00_00.123456": hidden, unique, and a learner sees when it changed.
Result<std::string> make_timed_folder(const std::string& folder) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char stamp[64];
  std::strftime(stamp, sizeof stamp, "..%Y_%m_%d_%H_%M_%S", &parts);
  std::string name = str(stamp, ".", now.tv_nsec);
  if (::mkdir((folder + "/" + name).c_str(), 0755) != 0) {
    return Error::from_errno(errno, "making folder " + folder + "/" + name);
  }
  return name;
}

Result<void> write_one(const std::string& root, const std::string& path, const VolumeFile& file) {
  fs::path full = fs::path(root) / path;
  std::error_code code;
  fs::create_directories(full.parent_path(), code);
  if (code) return Error::from_errno(code.value(), "making folder " + full.parent_path().string());
  HOP_CHECK(write_file(full, file.bytes, file.mode));
  // The mode is asked for, whatever our umask is.
  if (::chmod(full.c_str(), file.mode) != 0) {
    return Error::from_errno(errno, "setting the mode of " + full.string());
  }
  return {};
}

Result<void> make_link(const std::string& target, const std::string& path) {
  std::string beside = path + "_tmp";
  ::unlink(beside.c_str());
  if (::symlink(target.c_str(), beside.c_str()) != 0 ||
      ::rename(beside.c_str(), path.c_str()) != 0) {
    return Error::from_errno(errno, "making link " + path);
  }
  return {};
}

/// Links of names that are gone, and older folders.
void sweep(const std::string& folder, const std::set<std::string>& names,
           const std::string& current) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    std::string name = entry.path().filename();
    bool hidden = name.starts_with("..");
    bool stays = hidden ? name == data_link || name == current : names.contains(name);
    if (!stays && (hidden || entry.is_symlink())) fs::remove_all(entry.path(), code);
  }
}

}  // namespace

Result<void> publish_files(const std::string& folder, const VolumeFiles& files) {
  std::set<std::string> names;
  for (const auto& [path, file] : files) {
    HOP_CHECK(check_inside(path));
    names.insert(path.substr(0, path.find('/')));
  }
  std::error_code code;
  bool first = !fs::exists(fs::path(folder) / data_link, code);
  if (!first && published(folder) == files) return {};
  HOP_TRY(std::string timed, make_timed_folder(folder));
  for (const auto& [path, file] : files) {
    HOP_CHECK(write_one(folder + "/" + timed, path, file));
  }
  HOP_CHECK(make_link(timed, folder + "/" + data_link));
  for (const std::string& name : names) {
    std::string link = folder + "/" + name;
    if (!fs::is_symlink(link, code)) HOP_CHECK(make_link(str(data_link, "/", name), link));
  }
  sweep(folder, names, timed);
  return {};
}

}  // namespace hoplab::agent
