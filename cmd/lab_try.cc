// `hoplab lab test`: plays lessons on clusters of its own (lab_play.cc does it inside).

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "cmd/lab.h"
#include "cmd/options.h"
#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/proc/sandbox_mounts.h"

namespace hoplab::cmd {

extern const Command up_command;
extern const Command down_command;

namespace {

/// A folder for the players' progress, so that the user's own stays as it is.
class ScratchProgress {
 public:
  Result<void> make() {
    char path[] = "/tmp/hoplab-labs-XXXXXX";
    if (::mkdtemp(path) == nullptr) return Error::from_errno(errno, "making a folder in /tmp");
    path_ = path;
    ::setenv("HOPLAB_LABS", path, 1);
    return {};
  }
  ~ScratchProgress() {
    auto parent = open_fd("/tmp", 0);
    if (!path_.empty() && parent) {
      [[maybe_unused]] auto removed = remove_tree(*parent, path_.substr(path_.rfind('/') + 1));
    }
  }
  ScratchProgress() = default;
  ScratchProgress(const ScratchProgress&) = delete;
  ScratchProgress& operator=(const ScratchProgress&) = delete;

 private:
  std::string path_;
};

int play(const Course& course, const std::string& cluster, const labs::Lesson& lesson,
         const char* mode) {
  std::vector<std::string> args{lesson.host, "--",     proc::inside::executable,
                                "lab",       "--lang", course.say.language()};
  if (!course.progress.folder.empty()) {
    args.insert(args.end(), {"--lessons", course.progress.folder});
  }
  args.insert(args.end(), {"play", mode, lesson.id});
  return run_shell_in_child({cluster, true, args});
}

/// All chosen lessons of one kind of cluster; returns how many plays failed, or -1.
int play_on(const Course& course, const std::string& kind,
            const std::vector<const labs::Lesson*>& chosen) {
  const Invocation cluster{str("labtest-", ::getpid()), true, {"-f", kind}};
  if (up_command.run(cluster) != exit_ok) return -1;
  int failed = 0;
  for (const labs::Lesson* lesson : chosen) {
    if (lesson->cluster != kind) continue;
    for (const char* mode : {"typed", "next"}) {
      std::cout.flush();
      if (play(course, cluster.cluster, *lesson, mode) != exit_ok) ++failed;
    }
  }
  if (down_command.run({cluster.cluster, true, {}}) != exit_ok) return -1;
  return failed;
}

}  // namespace

int run_lab_test(const LabRequest& request) {
  ScratchProgress progress;
  if (auto made = progress.make(); !made) return fail(made.error());
  auto course = open_course(request);
  if (!course) return fail(course.error());
  std::vector<const labs::Lesson*> chosen;
  for (const auto& lesson : course->lessons) chosen.push_back(&lesson);
  if (!request.args.empty()) {
    auto one = course->find(request.args.front());
    if (!one) return fail(one.error());
    chosen = {*one};
  }
  std::set<std::string> kinds;
  for (const labs::Lesson* lesson : chosen) kinds.insert(lesson->cluster);
  int failed = 0;
  for (const auto& kind : kinds) {
    const int here = play_on(*course, kind, chosen);
    if (here < 0) return exit_failure;
    failed += here;
  }
  std::cout << chosen.size() * 2 - static_cast<size_t>(failed) << " of " << chosen.size() * 2
            << " plays are good\n";
  return failed == 0 ? exit_ok : exit_failure;
}

}  // namespace hoplab::cmd
