// The bare words of a lesson's shell: next, check, hint, goto, reset. Links in /run/hoplab/bin.

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>

#include "cmd/lab.h"
#include "cmd/options.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

extern const Command lab_command;

namespace {

bool in_a_lesson(const Invocation& invocation) {
  auto progress =
      labs::read_progress(labs::progress_file(labs::progress_folder(), invocation.cluster));
  return progress && !progress->lesson.empty();
}

int run_word(const char* word, const Invocation& invocation) {
  Invocation call = invocation;
  call.args.insert(call.args.begin(), word);
  return lab_command.run(call);
}

int run_next(const Invocation& invocation) {
  return run_word("next", invocation);
}
int run_check(const Invocation& invocation) {
  return run_word("check", invocation);
}
int run_hint_word(const Invocation& invocation) {
  return run_word("hint", invocation);
}
int run_goto(const Invocation& invocation) {
  return run_word("goto", invocation);
}

/// Outside of a lesson the word keeps its old meaning: put the terminal right.
int run_reset(const Invocation& invocation) {
  if (in_a_lesson(invocation)) return run_word("reset", invocation);
  const char* path = "/usr/bin/reset";
  std::vector<std::string> args = invocation.args;
  args.insert(args.begin(), "reset");
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  ::execv(path, argv.data());
  return fail(Error::from_errno(errno, path));
}

}  // namespace

extern const Command next_command;
const Command next_command{"next", "in a lesson: do the step, check, go on", run_next, true};
extern const Command check_command;
const Command check_command{"check", "in a lesson: is the step done?", run_check, true};
extern const Command hint_command;
const Command hint_command{"hint", "in a lesson: one more hint", run_hint_word, true};
extern const Command goto_command;
const Command goto_command{"goto", "in a lesson: go to a step", run_goto, true};
extern const Command reset_command;
const Command reset_command{"reset", "in a lesson: begin the step anew", run_reset, true};

}  // namespace hoplab::cmd
