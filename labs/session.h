#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labs/evaluate.h"
#include "labs/host_state.h"
#include "labs/lesson.h"
#include "labs/observe.h"
#include "labs/say.h"

/// One lesson on the host we are in: judging, doing, rebuilding. Called inside the host by a
/// process with one thread. Errors are about the machine, never about the learner's work.
namespace hoplab::labs {

enum class Patience { once, wait };

/// What the checks of one step came to.
struct Judgement {
  std::string skipped;            ///< Why the step cannot be done on this machine; empty: it can.
  std::vector<Verdict> verdicts;  ///< Up to the first probe that was not worth sending.

  [[nodiscard]] bool passed() const;
};

Result<Judgement> judge(const Step& step, Patience patience, const Say& say);
Result<std::vector<Verdict>> judge(const std::vector<Check>& checks, Patience patience,
                                   const Say& say);
/// Of the steps before `index`: what should still be there and is not. Only reads.
Result<std::vector<Verdict>> what_is_gone(const Lesson& lesson, int index, const Say& say);
/// Why the machine cannot do a step that needs `needs`; empty when it can.
std::string why_skipped(const std::vector<std::string>& needs, const Say& say);

/// Runs one command line in a shell of the host; returns its exit code.
Result<int> run_command(const std::string& command, const OutputSink& sink);

/// The state in which step `index` begins: the host's base, the lesson's set-up, and the commands
/// of the earlier steps without those that only look.
Result<void> rebuild(const Lesson& lesson, int index, const HostBase& base, const Say& say);

}  // namespace hoplab::labs
