#pragma once

#include <string>
#include <vector>

#include "cmd/command.h"
#include "labs/lesson.h"
#include "labs/progress.h"
#include "labs/say.h"
#include "runtime/base/result.h"

namespace hoplab::cmd {

/// Exit code of the `lab` inside when only a new start of the cluster helps.
inline constexpr int exit_needs_new_start = 75;

/// What `hoplab lab` was asked for.
struct LabRequest {
  Invocation invocation;
  std::string verb;
  std::vector<std::string> args;
  std::string language;  ///< --lang; empty: not given.
  std::string folder;    ///< --lessons; empty: not given.
  bool no_shell = false;
  bool once = false;          ///< check: do not wait.
  bool fresh = false;         ///< goto: the cluster has only just started.
  bool from_outside = false;  ///< Called by the `lab` outside, which can start the cluster anew.
};

/// The course as one user has it on one cluster.
struct Course {
  std::vector<labs::Lesson> lessons;
  labs::Progress progress;
  std::string file;  ///< Of the progress.
  std::string cluster;
  labs::Say say{"en"};

  /// The lesson in progress; an error that says how to start one.
  [[nodiscard]] Result<const labs::Lesson*> current() const;
  /// By number or id.
  [[nodiscard]] Result<const labs::Lesson*> find(const std::string& name) const;
  [[nodiscard]] Result<void> keep() const { return labs::write_progress(file, progress); }
};

Result<Course> open_course(const LabRequest& request);
/// Inside a host of a cluster, not outside and not in the outside view.
bool is_inside_host();

/// Verbs that work on the kernel, inside the host: next, do, check, reset, goto.
int run_lab_inside(const LabRequest& request);
/// The same from outside: starts what must run and hands over to a `hoplab lab` inside.
int run_lab_outside(const LabRequest& request);
/// `hoplab shell`, which enters the namespaces for good, in a process of its own.
int run_shell_in_child(const Invocation& invocation);
int run_lab_start(const LabRequest& request);
int run_lab_test(const LabRequest& request);
int run_lab_validate(const LabRequest& request);
int run_lab_new(const LabRequest& request);
int run_lab_schema(const LabRequest& request);

// Text for people.
std::string show_step(const Course& course, const labs::Lesson& lesson, int index);
/// What is worth knowing once a step is done.
std::string show_after(const Course& course, const labs::Lesson& lesson, int index);
std::string show_list(const Course& course);
std::string show_status(const Course& course);

}  // namespace hoplab::cmd
