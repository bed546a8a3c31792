#include "cmd/lab_play.h"

#include <algorithm>
#include <iostream>

#include "cmd/options.h"
#include "labs/session.h"
#include "labs/typed_shell.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

using labs::Captured;
using labs::Lesson;
using labs::Step;

constexpr const char* hoplab = "/run/hoplab/bin/hoplab";

std::string indented(std::string_view text) {
  std::string out;
  for (auto line : split(text, '\n')) out += str("    | ", line, "\n");
  return out;
}

class Player {
 public:
  Player(const Lesson& lesson, bool typed, labs::Say say)
      : lesson_(lesson), typed_(typed), say_(std::move(say)) {}

  Result<bool> play() {
    HOP_CHECK(go_to(0));
    if (typed_) {
      HOP_TRY(labs::TypedShell shell, labs::TypedShell::start());
      for (size_t i = 0; i < lesson_.steps.size() && !bad_; ++i) {
        HOP_CHECK(play_step(i, &shell));
      }
    } else {
      for (size_t i = 0; i < lesson_.steps.size() && !bad_; ++i) {
        HOP_CHECK(play_step(i, nullptr));
      }
    }
    // After the first mistake the rest would only follow from it.
    if (!bad_) HOP_CHECK(ask_quiz());
    if (!bad_) HOP_CHECK(break_and_mend());
    if (!bad_ && !typed_) HOP_CHECK(jump_about());
    std::cout << (bad_ ? "FAILED " : "ok     ") << "lesson " << lesson_.number << " (" << lesson_.id
              << ") " << (typed_ ? "typed" : "by next") << ": " << lesson_.steps.size() - skipped_
              << " steps";
    if (skipped_ > 0) std::cout << ", " << skipped_ << " skipped";
    std::cout << ", slowest goto " << slowest_.count() << " ms\n";
    return !bad_;
  }

 private:
  void complain(std::string_view where, std::string_view what, std::string_view output = {}) {
    bad_ = true;
    std::cout << "lesson " << lesson_.id << ", " << where << ": " << what << "\n"
              << indented(output);
  }

  static Result<Captured> word(std::vector<std::string> args) {
    args.insert(args.begin(), {hoplab, "lab"});
    // With a sink, errors are part of the output.
    return labs::capture(args, -1, {}, [](std::string_view) {});
  }

  Result<void> go_to(size_t index) {
    const SteadyTime begin = SystemClock().steady();
    HOP_TRY(Captured done, word({"goto", std::to_string(index + 1)}));
    slowest_ =
        std::max(slowest_, std::chrono::duration_cast<Millis>(SystemClock().steady() - begin));
    if (done.code == 0) return {};
    return Error(ErrorCode::system,
                 str("goto ", index + 1, ": exit code ", done.code, "\n", indented(done.output)));
  }

  /// Before anybody did anything.
  Result<void> expect_not_done(const Step& step) {
    HOP_TRY(Captured before, word({"check", "--once"}));
    if (before.code != exit_failure) {
      complain(step.id, "its check passes though nothing was done", before.output);
    }
    return {};
  }

  Result<void> expect_nothing_gone(size_t index, const Step& step) {
    HOP_TRY(auto gone, labs::what_is_gone(lesson_, static_cast<int>(index), say_));
    for (const auto& each : gone) {
      complain(step.id,
               str("earlier work is gone without an `until`: ", each.looked_at, ": ", each.found));
    }
    return {};
  }

  Result<void> play_step(size_t index, labs::TypedShell* shell) {
    const Step& step = lesson_.steps[index];
    if (!labs::why_skipped(step.needs, say_).empty()) {
      ++skipped_;
      return word({"next"}).ok() ? Result<void>() : Error(ErrorCode::system, "next");
    }
    HOP_CHECK(expect_nothing_gone(index, step));
    HOP_CHECK(expect_not_done(step));
    HOP_TRY(Captured done, shell != nullptr ? type_step(step, *shell) : word({"next"}));
    if (done.code != 0) {
      complain(
          step.id,
          typed_ ? "its check fails though its commands were typed" : "its check fails after next",
          done.output);
    }
    if (shell == nullptr) {
      for (const auto& item : step.commands) expect_seen(step, item, done.output);
    }
    return {};
  }

  void expect_seen(const Step& step, const labs::DoItem& item, const std::string& output) {
    if (item.sees.empty() || output.find(item.sees) != std::string::npos) return;
    complain(step.id, str("`", item.command, "` does not print \"", item.sees, '"'), output);
  }

  Result<Captured> type_step(const Step& step, labs::TypedShell& shell) {
    for (const auto& item : step.commands) {
      HOP_TRY(Captured done, shell.type(item.command));
      expect_seen(step, item, done.output);
      if (done.code != 0 && !item.look) {
        complain(step.id, str("`", item.command, "`: exit code ", done.code), done.output);
      }
    }
    return shell.type("check");
  }

  Result<void> ask_quiz() {
    for (const auto& question : lesson_.quiz) {
      HOP_TRY(Captured got, labs::capture({"bash", "-c", question.command}, -1));
      if (trim(std::string_view(got.output)) == question.answer) continue;
      complain("question " + question.id, "the kernel's answer is not " + question.answer,
               got.output);
    }
    return {};
  }

  Result<bool> holds(const labs::Fault& fault, labs::Patience patience) {
    HOP_TRY(auto verdicts, labs::judge(fault.checks, patience, say_));
    return std::all_of(verdicts.begin(), verdicts.end(),
                       [](const auto& each) { return each.passed; });
  }

  Result<void> run_all(const std::string& where, const std::vector<std::string>& commands) {
    for (const auto& command : commands) {
      std::string output;
      HOP_TRY(int code,
              labs::run_command(command, [&output](std::string_view text) { output += text; }));
      if (code != 0) complain(where, str("`", command, "`: exit code ", code), output);
    }
    return {};
  }

  Result<void> break_and_mend() {
    for (const auto& fault : lesson_.faults) {
      const std::string where = "fault " + fault.id;
      HOP_TRY(bool before, holds(fault, labs::Patience::wait));
      if (!before) complain(where, "its check fails before anything is broken");
      HOP_CHECK(run_all(where, fault.commands));
      HOP_TRY(bool broken, holds(fault, labs::Patience::once));
      if (broken) complain(where, "its check passes though it is broken");
      HOP_CHECK(run_all(where, fault.solution));
      HOP_TRY(bool mended, holds(fault, labs::Patience::wait));
      if (!mended) complain(where, "its check fails after the solution");
    }
    return {};
  }

  /// To every step, the last first, so that nothing is there by chance.
  Result<void> jump_about() {
    for (size_t i = lesson_.steps.size(); i-- > 0;) {
      const Step& step = lesson_.steps[i];
      HOP_CHECK(go_to(i));
      if (!labs::why_skipped(step.needs, say_).empty()) continue;
      HOP_CHECK(expect_nothing_gone(i, step));
      HOP_CHECK(expect_not_done(step));
    }
    return {};
  }

  const Lesson& lesson_;
  bool typed_;
  labs::Say say_;
  bool bad_ = false;
  size_t skipped_ = 0;
  Millis slowest_{0};
};

}  // namespace

int run_lab_play(const LabRequest& request) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto lesson = course->find(request.args[1]);
  if (!lesson) return fail(lesson.error());
  course->progress =
      labs::Progress{(*lesson)->id, 0, request.language, course->progress.folder, {}, {}};
  if (auto kept = course->keep(); !kept) return fail(kept.error());
  auto good = Player(**lesson, request.args[0] == "typed", course->say).play();
  if (!good) {
    std::cout << "FAILED lesson " << (*lesson)->id << ": " << good.error().message() << "\n";
    return exit_failure;
  }
  return *good ? exit_ok : exit_failure;
}

}  // namespace hoplab::cmd
