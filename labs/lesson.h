#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "labs/check.h"

/// Lessons as values. Made by the loader only (labs/load.h), so always complete: every text is
/// there in every language of the lesson. Passive data.
namespace hoplab::labs {

/// One command line of a step.
struct DoItem {
  std::string command;
  bool look = false;  ///< Only shows something: not repeated when a state is rebuilt.
  std::string sees;   ///< What its output has in it; empty: not said.
};

struct Step {
  std::string id;
  std::vector<DoItem> commands;
  std::vector<Check> checks;
  std::vector<std::string> needs;  ///< Features of the kernel; see labs/session.h.
  bool challenge = false;          ///< The commands are not shown before `solve`.
};

/// Something to break and to find, after the last step.
struct Fault {
  std::string id;
  std::vector<std::string> commands;  ///< Break it.
  std::vector<Check> checks;          ///< Hold before and after the repair, not in between.
  std::vector<std::string> solution;
};

/// A question whose answer the kernel knows after the last step.
struct Question {
  std::string id;
  std::string command;  ///< Prints the answer.
  std::string answer;
};

struct StepText {
  std::string title, text, expect, why;
  std::string slide, on_real_cluster, solution;  ///< May be empty.
  std::vector<std::string> hints;
};
struct FaultText {
  std::string text, why;
};
struct QuestionText {
  std::string ask, why;
};

struct LessonText {
  std::string title, goal;
  std::map<std::string, StepText> steps;
  std::map<std::string, FaultText> faults;
  std::map<std::string, QuestionText> quiz;
};

struct Lesson {
  std::string id;
  int number = 0;
  int minutes = 0;
  bool core = true;
  std::string cluster;             ///< The ready-made cluster it runs on.
  std::string host;                ///< Where its commands are typed.
  std::vector<std::string> after;  ///< Lessons to do before.
  std::vector<std::string> setup;  ///< What is there before the first step.
  std::vector<std::string> ends;   ///< Command lines of processes that a reset ends.
  std::vector<Step> steps;
  std::vector<Fault> faults;
  std::vector<Question> quiz;
  std::map<std::string, LessonText> texts;  ///< By language: "en", "ko".

  /// The texts in this language, else in English, else in any.
  [[nodiscard]] const LessonText& text(std::string_view language) const;
  /// Index of the step with this id or number ("3"); -1 when there is none.
  [[nodiscard]] int find_step(std::string_view name) const;
};

}  // namespace hoplab::labs
