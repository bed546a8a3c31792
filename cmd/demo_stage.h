#pragma once

#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace hoplab::cmd {

/// Runs the demo's commands and shows them: what is done and why, the command line, its output,
/// the time it took. Every command is our own executable, as a learner would call it.
class DemoStage {
 public:
  DemoStage(std::string executable, std::string cluster);

  /// A heading with a short explanation; begins a row of the timing table.
  void chapter(const std::string& title, const std::string& explanation);
  /// Shows and runs `hoplab --cluster NAME args…`; its standard output. Fails when it does.
  Result<std::string> run(const std::vector<std::string>& args, const std::string& input = "");
  /// The same without showing anything: for what the demo needs to know.
  Result<std::string> ask(const std::vector<std::string>& args);
  /// Starts a command whose output is wanted later (a capture).
  class Background {
   public:
    Background(pid_t pid, int output) : pid_(pid), output_(output) {}
    /// Waits for its end, at most `timeout`, then ends it; what it printed.
    Result<std::string> finish(Millis timeout);

   private:
    pid_t pid_;
    int output_;
  };
  Result<Background> start(const std::vector<std::string>& args);
  /// Prints text that the demo found in an output.
  void show(const std::string& text) const;
  /// One line with a tick: what was just proved.
  void proved(const std::string& sentence) const;
  /// The timing table.
  void print_times();

 private:
  [[nodiscard]] std::vector<std::string> full(const std::vector<std::string>& args) const;
  void close_row();

  struct Row {
    std::string title;
    Millis took{0};
  };

  std::string executable_;
  std::string cluster_;
  bool colour_;
  std::vector<Row> rows_;
  SteadyTime row_started_;
  SteadyTime started_;
  bool row_open_ = false;
};

}  // namespace hoplab::cmd
