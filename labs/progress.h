#pragma once

#include <map>
#include <set>
#include <string>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::labs {

/// How far one user is on one cluster. Kept in a file of its own, which is replaced as a whole.
struct Progress {
  std::string lesson;    ///< The one in progress; empty: none.
  int step = 0;          ///< Index of the step to do; the number of steps when all are done.
  std::string language;  ///< Chosen at `start`.
  std::string folder;    ///< Lessons from here instead of the built-in ones.
  std::map<std::string, std::set<std::string>> done;  ///< Lesson -> ids of steps.
  std::map<std::string, int> hints;                   ///< "lesson/step" -> how many were shown.

  bool operator==(const Progress&) const = default;
};

Json to_json(const Progress& progress);
/// Fails with `bad_request` on what to_json cannot have written.
Result<Progress> parse_progress(const Json& json);

/// $XDG_STATE_HOME/hoplab/labs, else ~/.local/state/hoplab/labs; inside a cluster what HOPLAB_LABS
/// says, because HOME is another one there.
std::string progress_folder();
std::string progress_file(const std::string& folder, const std::string& cluster);
/// An empty one when there is no file.
Result<Progress> read_progress(const std::string& file);
Result<void> write_progress(const std::string& file, const Progress& progress);

}  // namespace hoplab::labs
