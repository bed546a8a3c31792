#include "labs/progress.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "runtime/base/directory.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

constexpr size_t largest_file = 4U << 20U;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Error damaged(std::string_view what) {
  return Error(ErrorCode::bad_request, str("the file of your progress is damaged: ", what));
}

}  // namespace

Json to_json(const Progress& progress) {
  Json json{{"lesson", progress.lesson}, {"step", progress.step},  {"language", progress.language},
            {"folder", progress.folder}, {"done", Json::object()}, {"hints", progress.hints}};
  for (const auto& [lesson, steps] : progress.done) json["done"][lesson] = steps;
  return json;
}

Result<Progress> parse_progress(const Json& json) {
  if (!json.is_object()) return damaged("no mapping");
  Progress progress;
  progress.lesson = string_or(json, "lesson");
  progress.language = string_or(json, "language");
  progress.folder = string_or(json, "folder");
  const int64_t step = int_or(json, "step", -1);
  if (step < 0 || step > 10000) return damaged("step");
  progress.step = static_cast<int>(step);
  const Json& done = member(json, "done");
  if (!done.is_object()) return damaged("done");
  for (const auto& [lesson, steps] : done.items()) {
    if (!steps.is_array()) return damaged("done." + lesson);
    for (const Json& each : steps) {
      if (!each.is_string()) return damaged("done." + lesson);
      progress.done[lesson].insert(each.get<std::string>());
    }
  }
  const Json& hints = member(json, "hints");
  if (!hints.is_object()) return damaged("hints");
  for (const auto& [key, count] : hints.items()) {
    if (!count.is_number_integer()) return damaged("hints." + key);
    progress.hints[key] = static_cast<int>(int_or(hints, key));
  }
  return progress;
}

std::string progress_folder() {
  if (auto inside = environment("HOPLAB_LABS"); !inside.empty()) return inside;
  std::string state = environment("XDG_STATE_HOME");
  if (!state.starts_with("/")) {
    std::string home = environment("HOME");
    if (home.empty()) {
      const passwd* account = ::getpwuid(::geteuid());
      home = account != nullptr ? account->pw_dir : "/";
    }
    state = home + "/.local/state";
  }
  return state + "/hoplab/labs";
}

std::string progress_file(const std::string& folder, const std::string& cluster) {
  return str(folder, '/', cluster, ".json");
}

Result<Progress> read_progress(const std::string& file) {
  if (::access(file.c_str(), F_OK) != 0) return Progress{};
  auto read = [&file]() -> Result<Progress> {
    HOP_TRY(std::string text, read_file(file, largest_file));
    HOP_TRY(Json json, parse_json(text));
    return parse_progress(json);
  };
  return read().context(file);
}

Result<void> write_progress(const std::string& file, const Progress& progress) {
  HOP_CHECK(make_directories(file.substr(0, file.rfind('/')), 0700));
  return replace_file(file, dump_json_pretty(to_json(progress)) + "\n", 0600)
      .context("keeping your progress");
}

}  // namespace hoplab::labs
