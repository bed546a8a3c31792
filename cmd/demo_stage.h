#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::cmd {

/// Runs the demo's commands and shows them: what is done and why, the command line, its output,
/// the time it took. Every command is our own executable, as a learner would call it.
///
/// From open() on SIGINT, SIGTERM and SIGHUP end the running command instead of the process, and
/// every later one fails, until finale().
class DemoStage {
 public:
  static Result<DemoStage> open(std::string executable, std::string cluster);

  /// A heading with a short explanation; begins a row of the timing table.
  void chapter(const std::string& title, const std::string& explanation);
  /// Shows and runs `hoplab --cluster NAME args…`; its standard output. Fails when it does.
  Result<std::string> run(const std::vector<std::string>& args, const std::string& input = "");
  /// The same without showing anything: for what the demo needs to know.
  Result<std::string> ask(const std::vector<std::string>& args);
  /// Starts a command whose output is wanted later (a capture).
  class Background {
   public:
    Background(DemoStage& stage, pid_t pid, Fd output)
        : stage_(stage), pid_(pid), output_(std::move(output)) {}
    Background(Background&& other) noexcept
        : stage_(other.stage_),
          pid_(std::exchange(other.pid_, 0)),
          output_(std::move(other.output_)),
          text_(std::move(other.text_)) {}
    Background& operator=(Background&&) = delete;
    ~Background();
    /// Waits until it has printed `part`, at most `timeout`.
    Result<void> wait_for(const std::string& part, Millis timeout);
    /// Waits for its end, at most `timeout`, then ends it; what it printed.
    Result<std::string> finish(Millis timeout);

   private:
    int end(int signal);

    DemoStage& stage_;
    pid_t pid_;
    Fd output_;
    std::string text_;
  };
  Result<Background> start(const std::vector<std::string>& args);
  /// From here on commands run to their end whatever is typed at the terminal: they tidy up.
  void finale() { finale_ = true; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  /// Prints text that the demo found in an output.
  void show(const std::string& text) const;
  /// One line with a tick: what was just proved.
  void proved(const std::string& sentence) const;
  /// The timing table.
  void print_times();

 private:
  DemoStage(std::string executable, std::string cluster, Fd signals);

  enum class Progress { found, ended, timed_out, interrupted };
  /// Reads until the text holds `part` (empty: until the end) or the time is up.
  Progress read(const Fd& output, std::string& text, const std::string& part, Millis timeout);
  Result<pid_t> spawn(const std::vector<std::string>& args, int input, int output) const;
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
  Fd signals_;
  bool interrupted_ = false;
  bool finale_ = false;
};

}  // namespace hoplab::cmd
