#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "cmd/lab.h"
#include "labs/files.h"
#include "labs/load.h"
#include "runtime/base/text.h"
#include "runtime/plan/cluster_config.h"

namespace hoplab::cmd {

namespace {

/// The cluster of the progress that was written last; empty when there is none.
std::string latest_cluster(const std::string& folder) {
  constexpr std::string_view ending = ".json";
  std::string latest;
  timespec newest{};
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  while (dir) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    std::string_view name = entry->d_name;
    if (name.starts_with(".") || !name.ends_with(ending)) continue;
    struct stat info {};
    if (::stat(str(folder, '/', name).c_str(), &info) != 0) continue;
    const bool later = info.st_mtim.tv_sec != newest.tv_sec
                           ? info.st_mtim.tv_sec > newest.tv_sec
                           : info.st_mtim.tv_nsec >= newest.tv_nsec;
    if (!later) continue;
    newest = info.st_mtim;
    latest = name.substr(0, name.size() - ending.size());
  }
  return latest;
}

Result<std::string> absolute(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real) return Error::from_errno(errno, "opening folder " + path);
  return std::string(real.get());
}

}  // namespace

bool is_inside_host() {
  const char* host = std::getenv("HOPLAB_HOST");
  return host != nullptr && *host != '\0' && ::access("/run/hoplab/bin/hoplab", X_OK) == 0;
}

Result<Course> open_course(const LabRequest& request) {
  Course course;
  const std::string folder = labs::progress_folder();
  course.cluster = request.invocation.cluster;
  if (request.invocation.cluster_chosen) {
    HOP_CHECK(plan::check_cluster_name(course.cluster));
  } else {
    const std::string latest = latest_cluster(folder);
    course.cluster = latest.empty() ? "linux" : latest;
  }
  course.file = labs::progress_file(folder, course.cluster);
  auto progress = labs::read_progress(course.file);
  if (progress) {
    course.progress = *std::move(progress);
  } else if (request.verb != "start") {
    return Error(progress.error().code(),
                 progress.error().message() + "\n  begin anew: hoplab lab start LESSON");
  }
  if (!request.language.empty()) course.progress.language = request.language;
  if (course.progress.language.empty()) course.progress.language = labs::language_of_locale();
  course.say = labs::Say(course.progress.language);
  if (!request.folder.empty()) {
    HOP_TRY(course.progress.folder, absolute(request.folder));
  } else if (request.verb == "start" && !is_inside_host()) {
    course.progress.folder.clear();
  }
  if (course.progress.folder.empty()) {
    HOP_TRY(course.lessons, labs::load_lessons(labs::built_in_lessons()));
  } else {
    HOP_TRY(auto files, labs::read_lessons_folder(course.progress.folder));
    HOP_TRY(course.lessons, labs::load_lessons(files));
  }
  return course;
}

Result<const labs::Lesson*> Course::find(const std::string& name) const {
  for (const auto& lesson : lessons) {
    if (lesson.id == name || std::to_string(lesson.number) == name) return &lesson;
  }
  return Error(ErrorCode::not_found,
               str("there is no lesson \"", name, "\"; see: hoplab lab list"));
}

Result<const labs::Lesson*> Course::current() const {
  if (progress.lesson.empty()) {
    return Error(ErrorCode::not_found,
                 say("no lesson has begun\n  begin one: hoplab lab start 1   (hoplab lab list)",
                     "시작한 레슨이 없습니다\n  시작하기: hoplab lab start 1   (목록: hoplab lab "
                     "list)"));
  }
  return find(progress.lesson);
}

}  // namespace hoplab::cmd
