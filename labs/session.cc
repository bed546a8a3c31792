#include "labs/session.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

constexpr Millis between_looks{50};

/// Waits until `begin` + the check's own limit: checks that are judged together wait together.
Result<Verdict> judge_one(const Check& check, Patience patience, SteadyTime begin, const Say& say) {
  const SteadyTime end = begin + check.within;
  for (;;) {
    HOP_TRY(View view, observe(check));
    Verdict verdict = evaluate(check, view, say);
    if (verdict.passed || patience == Patience::once || SystemClock().steady() >= end) {
      return verdict;
    }
    std::this_thread::sleep_for(between_looks);
  }
}

/// True for what stays until somebody undoes it: entries of ARP tables and tracked connections go
/// by themselves.
bool is_lasting(const Check& check) {
  return !spec_of(check.kind).probe && check.kind != CheckKind::neighbor &&
         check.kind != CheckKind::conntrack;
}

}  // namespace

bool Judgement::passed() const {
  return !skipped.empty() || std::all_of(verdicts.begin(), verdicts.end(),
                                         [](const Verdict& each) { return each.passed; });
}

Result<std::vector<Verdict>> judge(const std::vector<Check>& checks, Patience patience,
                                   const Say& say) {
  std::vector<Verdict> verdicts;
  bool good = true;
  // Packets leave traces, in ARP tables for one: look first, and send only when it can work.
  for (bool probes : {false, true}) {
    const SteadyTime begin = SystemClock().steady();
    for (const Check& check : checks) {
      if (spec_of(check.kind).probe != probes || (probes && !good)) continue;
      HOP_TRY(Verdict verdict, judge_one(check, patience, begin, say));
      good = good && verdict.passed;
      verdicts.push_back(std::move(verdict));
    }
  }
  return verdicts;
}

Result<Judgement> judge(const Step& step, Patience patience, const Say& say) {
  Judgement judgement;
  judgement.skipped = why_skipped(step.needs, say);
  if (!judgement.skipped.empty()) return judgement;
  HOP_TRY(judgement.verdicts, judge(step.checks, patience, say));
  return judgement;
}

Result<std::vector<Verdict>> what_is_gone(const Lesson& lesson, int index, const Say& say) {
  std::vector<Verdict> gone;
  for (int i = 0; i < index && i < static_cast<int>(lesson.steps.size()); ++i) {
    const Step& step = lesson.steps[static_cast<size_t>(i)];
    if (!why_skipped(step.needs, say).empty()) continue;
    for (const Check& check : step.checks) {
      const bool over = !check.until.empty() && lesson.find_step(check.until) <= index;
      if (over || !is_lasting(check)) continue;
      HOP_TRY(Verdict verdict, judge_one(check, Patience::once, SteadyTime{}, say));
      if (!verdict.passed) gone.push_back(std::move(verdict));
    }
  }
  return gone;
}

std::string why_skipped(const std::vector<std::string>& needs, const Say& say) {
  for (const auto& need : needs) {
    if (need == "bridge-netfilter" && ::access("/proc/sys/net/bridge", F_OK) != 0) {
      return say(
          "the module br_netfilter is not loaded in this kernel, so iptables does not see what a "
          "bridge passes on\n  load it on the computer, outside: sudo modprobe br_netfilter",
          "이 커널에는 br_netfilter 모듈이 올라와 있지 않아 브리지를 지나는 프레임이 iptables를 "
          "거치지 않습니다\n  실습 밖, 컴퓨터에서 올리세요: sudo modprobe br_netfilter");
    }
  }
  return {};
}

Result<int> run_command(const std::string& command, const OutputSink& sink) {
  HOP_TRY(Captured done, capture({"bash", "-c", command}, -1, {}, sink));
  return done.code;
}

namespace {

/// Runs commands in one shell: starting one costs as much as a command.
Result<void> replay(std::vector<std::string>& commands, const std::string& what) {
  if (commands.empty()) return {};
  std::string script = "set -e\n";
  for (const auto& command : commands) script += command + "\n";
  commands.clear();
  std::string said;
  HOP_TRY(Captured done, capture({"bash", "-c", script}, -1, {},
                                 [&said](std::string_view text) { said += text; }));
  if (done.code == 0) return {};
  return Error(ErrorCode::system, str(what, ": the commands ended with code ", done.code, "\n  ",
                                      trim(std::string_view(said))));
}

}  // namespace

Result<void> rebuild(const Lesson& lesson, int index, const HostBase& base, const Say& say) {
  HOP_CHECK(restore_host(base, lesson.ends));
  const std::string what = str("rebuilding lesson ", lesson.id, " up to step ", index + 1);
  std::vector<std::string> commands = lesson.setup;
  for (int i = 0; i < index && i < static_cast<int>(lesson.steps.size()); ++i) {
    const Step& step = lesson.steps[static_cast<size_t>(i)];
    if (!why_skipped(step.needs, say).empty()) continue;
    for (const DoItem& item : step.commands) {
      if (!item.look) commands.push_back(item.command);
    }
    // A program in the background is there a moment after its command.
    for (const Check& check : step.checks) {
      if (check.kind != CheckKind::process) continue;
      HOP_CHECK(replay(commands, what));
      HOP_CHECK(judge_one(check, Patience::wait, SystemClock().steady(), say));
    }
  }
  return replay(commands, what);
}

}  // namespace hoplab::labs
