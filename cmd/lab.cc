// `hoplab lab`: the course. Reads what is asked; the verbs are in lab_*.cc.

#include "cmd/lab.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cmd/lab_play.h"
#include "cmd/options.h"
#include "labs/files.h"
#include "labs/load.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

Options make_options() {
  Options options(
      "lab", "VERB [ARG…]",
      "The course: lessons on the real kernel.\n"
      "  list              the lessons, and how far you are\n"
      "  start LESSON      begin a lesson (number or name) and open its shell\n"
      "  status            where you are\n"
      "  show [STEP]       the text of a step\n"
      "  check             look at the kernel: is the step done?\n"
      "  next              do the step's commands, check, go on\n"
      "  do                do the step's commands only\n"
      "  hint              one more hint\n"
      "  solve             the solution, explained\n"
      "  goto STEP         to the state in which a step begins\n"
      "  reset             to the state in which this step begins\n"
      "  validate FILE, new FOLDER, schema, test [LESSON]     for those who write lessons\n"
      "In a lesson's shell next, check, hint, goto and reset are enough.");
  options.value("lang", 0, "LANGUAGE", "en, ko or another language of the lesson");
  options.value("lessons", 0, "DIR", "lessons from this folder instead of the built-in ones");
  options.flag("no-shell", 0, "start: do not open a shell");
  options.flag("once", 0, "check: do not wait for what is still on its way");
  options.flag("from-outside", 0, "internal: the caller can start the cluster anew");
  options.flag("fresh", 0, "internal: the cluster has only just started");
  options.positionals("VERB", 1, 1000);
  options.example("hoplab lab start 1", "the first lesson");
  options.example("hoplab lab --lang ko start 2", "in Korean");
  options.example("hoplab lab validate mylesson/lesson.yaml", "is my lesson well-formed?");
  return options;
}

int run_show(const LabRequest& request) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto lesson = course->current();
  if (!lesson) return fail(lesson.error());
  int index = course->progress.step;
  if (!request.args.empty()) index = (*lesson)->find_step(request.args.front());
  if (index < 0) {
    return fail(Error(ErrorCode::not_found,
                      str("lesson ", (*lesson)->id, " has no step \"", request.args.front(), '"')));
  }
  std::cout << show_step(*course, **lesson, index);
  return exit_ok;
}

/// For verbs about the step under way; after the last one there is only its text to show.
int with_step(const LabRequest& request,
              Result<void> (*act)(Course&, const labs::Lesson&, const labs::Step&)) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto lesson = course->current();
  if (!lesson) return fail(lesson.error());
  const int index = course->progress.step;
  if (index >= static_cast<int>((*lesson)->steps.size())) {
    std::cout << show_step(*course, **lesson, index);
    return exit_ok;
  }
  auto done = act(*course, **lesson, (*lesson)->steps[static_cast<size_t>(index)]);
  return done ? exit_ok : fail(done.error());
}

Result<void> give_hint(Course& course, const labs::Lesson& lesson, const labs::Step& step) {
  const auto& hints = lesson.text(course.say.language()).steps.at(step.id).hints;
  int& shown = course.progress.hints[lesson.id + "/" + step.id];
  shown = std::clamp(shown + 1, 1, static_cast<int>(hints.size()));
  std::cout << course.say("hint {0} of {1}: ", "힌트 {0}/{1}: ",
                          {std::to_string(shown), std::to_string(hints.size())})
            << trim(std::string_view(hints[static_cast<size_t>(shown - 1)])) << "\n";
  if (shown == static_cast<int>(hints.size())) {
    std::cout << course.say("that was the last one; the solution: hoplab lab solve\n",
                            "마지막 힌트입니다. 정답 보기: hoplab lab solve\n");
  }
  return course.keep();
}

Result<void> tell_solution(Course& course, const labs::Lesson& lesson, const labs::Step& step) {
  const auto& text = lesson.text(course.say.language()).steps.at(step.id);
  std::cout << course.say("The solution:\n", "정답:\n");
  for (const auto& item : step.commands) std::cout << "    " << item.command << "\n";
  if (!text.solution.empty()) std::cout << trim(std::string_view(text.solution)) << "\n";
  std::cout << "\n" << trim(std::string_view(text.why)) << "\n";
  return {};
}

int run_hint(const LabRequest& request) {
  return with_step(request, give_hint);
}

int run_solve(const LabRequest& request) {
  return with_step(request, tell_solution);
}

int run_texts(const LabRequest& request) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  std::cout << (request.verb == "list" ? show_list(*course) : show_status(*course));
  return exit_ok;
}

int run_kernel_verb(const LabRequest& request) {
  return is_inside_host() ? run_lab_inside(request) : run_lab_outside(request);
}

struct Verb {
  std::string_view name;
  int (*run)(const LabRequest& request);
  size_t least, most;
};
constexpr Verb verbs[] = {
    {"list", run_texts, 0, 0},        {"start", run_lab_start, 1, 1},
    {"status", run_texts, 0, 0},      {"show", run_show, 0, 1},
    {"next", run_kernel_verb, 0, 0},  {"do", run_kernel_verb, 0, 0},
    {"check", run_kernel_verb, 0, 0}, {"hint", run_hint, 0, 0},
    {"solve", run_solve, 0, 0},       {"reset", run_kernel_verb, 0, 0},
    {"goto", run_kernel_verb, 1, 1},  {"validate", run_lab_validate, 1, 1},
    {"new", run_lab_new, 1, 1},       {"schema", run_lab_schema, 0, 0},
    {"test", run_lab_test, 0, 1},     {"play", run_lab_play, 2, 2},
};

int run_lab(const Invocation& invocation) {
  Options options = make_options();
  if (auto exit = options.parse(invocation.args)) return *exit;
  LabRequest request;
  request.invocation = invocation;
  request.args = options.rest();
  request.verb = request.args.front();
  request.args.erase(request.args.begin());
  request.language = options.get("lang");
  request.folder = options.get("lessons");
  request.no_shell = options.has("no-shell");
  request.once = options.has("once");
  request.fresh = options.has("fresh");
  request.from_outside = options.has("from-outside");
  for (const Verb& verb : verbs) {
    if (verb.name != request.verb) continue;
    if (request.args.size() < verb.least) {
      return options.usage_error(request.verb + " needs an argument");
    }
    if (request.args.size() > verb.most) {
      return options.usage_error("too many arguments for " + request.verb);
    }
    return verb.run(request);
  }
  std::string there;
  for (const Verb& verb : verbs) {
    if (verb.run != run_lab_play) there += str(there.empty() ? "" : ", ", verb.name);
  }
  return options.usage_error(str("unknown verb \"", request.verb, "\"; there are: ", there));
}

}  // namespace

extern const Command lab_command;
const Command lab_command{"lab", "the course: lessons with checks", run_lab};

}  // namespace hoplab::cmd
