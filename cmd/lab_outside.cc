// `hoplab lab` outside of the cluster: starts what must run and hands over to a `hoplab lab`
// inside.

#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "cmd/lab.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"
#include "runtime/proc/sandbox_mounts.h"
#include "runtime/proc/spawn.h"

namespace hoplab::cmd {

extern const Command shell_command;
extern const Command up_command;
extern const Command down_command;

namespace {

Invocation on(const Course& course, std::vector<std::string> args) {
  return {course.cluster, true, std::move(args)};
}

int run_inside(const Course& course, const labs::Lesson& lesson, const LabRequest& request) {
  std::vector<std::string> args{lesson.host,      "--",     proc::inside::executable, "lab",
                                "--from-outside", "--lang", course.say.language()};
  if (!course.progress.folder.empty()) {
    args.insert(args.end(), {"--lessons", course.progress.folder});
  }
  if (request.once) args.emplace_back("--once");
  if (request.fresh) args.emplace_back("--fresh");
  args.push_back(request.verb);
  args.insert(args.end(), request.args.begin(), request.args.end());
  return run_shell_in_child(on(course, std::move(args)));
}

Result<void> check_host(const Course& course, const labs::Lesson& lesson) {
  HOP_TRY(auto cluster, find_running_cluster(on(course, {})));
  if (cluster.config.find_host(lesson.host) != nullptr) return {};
  return Error(
      ErrorCode::invalid,
      str("cluster ", course.cluster, " has no host ", lesson.host, ", which lesson ", lesson.id,
          " needs\n  a cluster of its own: hoplab --cluster lab1 lab start ", lesson.number));
}

bool is_up(const Course& course) {
  return find_running_cluster(on(course, {})).ok();
}

/// Back to a step: what a shell inside cannot do (a cable is gone, the sandbox was killed, a node
/// full of pods is to be as new), a new start does.
int rebuild(const Course& course, const labs::Lesson& lesson, const LabRequest& request) {
  if (is_up(course)) {
    if (auto fits = check_host(course, lesson); !fits) return fail(fits.error());
    const int code = run_inside(course, lesson, request);
    if (code != exit_needs_new_start) return code;
    std::cout << course.say("the cluster starts anew (shells in it end)\n",
                            "클러스터를 새로 시작합니다(안에 열린 셸은 끝납니다)\n");
    if (int down = down_command.run(on(course, {})); down != exit_ok) return down;
  }
  if (int up = up_command.run(on(course, {"-f", lesson.cluster})); up != exit_ok) return up;
  LabRequest fresh = request;
  fresh.fresh = true;
  return run_inside(course, lesson, fresh);
}

}  // namespace

int run_shell_in_child(const Invocation& invocation) {
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) return fail(Error::from_errno(errno, "starting a process"));
  if (child == 0) {
    const int code = shell_command.run(invocation);
    std::cout.flush();
    ::_exit(code);
  }
  return proc::wait_for_exit(child);
}

int run_lab_outside(const LabRequest& request) {
  if (auto outside = check_outside(); !outside) return fail(outside.error());
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto lesson = course->current();
  if (!lesson) return fail(lesson.error());
  if (request.verb == "reset" || request.verb == "goto") {
    return rebuild(*course, **lesson, request);
  }
  if (!is_up(*course)) {
    return fail(
        Error(ErrorCode::not_found,
              course->say("cluster {0} is not up\n  start it at your step: hoplab lab reset",
                          "클러스터 {0}이(가) 떠 있지 않습니다\n  하던 단계부터 다시 "
                          "띄우기: hoplab lab reset",
                          {course->cluster})));
  }
  return run_inside(*course, **lesson, request);
}

int run_lab_start(const LabRequest& request) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto lesson = course->find(request.args.front());
  if (!lesson) return fail(lesson.error());
  if (!request.invocation.cluster_chosen) {
    // Each cluster has a progress of its own.
    LabRequest chosen = request;
    chosen.invocation.cluster = (*lesson)->cluster;
    chosen.invocation.cluster_chosen = true;
    return run_lab_start(chosen);
  }
  course->progress.lesson = (*lesson)->id;
  course->progress.step = 0;
  if (auto kept = course->keep(); !kept) return fail(kept.error());
  LabRequest begin = request;
  begin.verb = "goto";
  begin.args = {"1"};
  if (is_inside_host()) return run_lab_inside(begin);
  if (auto outside = check_outside(); !outside) return fail(outside.error());
  if (int code = rebuild(*course, **lesson, begin); code != exit_ok) return code;
  if (request.no_shell || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    return exit_ok;
  }
  return shell_command.run(on(*course, {(*lesson)->host}));
}

}  // namespace hoplab::cmd
