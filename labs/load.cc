#include "labs/load.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace hoplab::labs {

namespace {

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 40 && std::isalpha(static_cast<unsigned char>(id[0])) != 0 &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string read_id(const Mapping& map, std::set<std::string>& taken) {
  std::string id = map.text("id");
  if (id.empty()) return id;
  if (!is_id(id)) map.refuse("id", "lower-case letters, digits and '-', a letter first");
  if (!taken.insert(id).second) map.refuse("id", str('"', id, "\" is there twice"));
  return id;
}

DoItem load_command(const Source& source, const Json& value, const std::string& path,
                    Mistakes& mistakes) {
  if (value.is_string()) return {value.get<std::string>(), false, {}};
  Mapping map(source, value, path, mistakes, {"look", "run", "sees"});
  DoItem item;
  item.look = map.has("look");
  if (item.look == map.has("run")) map.refuse("", "one of look and run is expected");
  item.command = map.text(item.look ? "look" : "run", false);
  item.sees = map.text("sees", false);
  return item;
}

std::vector<Check> load_checks(const Source& source, const Mapping& map, Mistakes& mistakes) {
  std::vector<Check> checks;
  for (const auto& [value, path] : map.list("check", true)) {
    checks.push_back(load_check(source, *value, path, mistakes));
  }
  return checks;
}

Step load_step(const Source& source, const Json& value, const std::string& path,
               std::set<std::string>& ids, Mistakes& mistakes) {
  Mapping map(source, value, path, mistakes, {"id", "do", "check", "needs", "challenge"});
  Step step;
  step.id = read_id(map, ids);
  for (const auto& [item, where] : map.list("do", true)) {
    step.commands.push_back(load_command(source, *item, where, mistakes));
  }
  step.checks = load_checks(source, map, mistakes);
  step.needs = map.texts("needs", false);
  for (const auto& need : step.needs) {
    const auto& known = known_needs();
    if (std::find(known.begin(), known.end(), need) == known.end()) {
      map.refuse("needs", str("nothing is known of \"", need, '"'));
    }
  }
  step.challenge = map.flag("challenge", false);
  return step;
}

/// `until` names a later step.
void check_until(const Source& source, const Lesson& lesson, Mistakes& mistakes) {
  for (size_t i = 0; i < lesson.steps.size(); ++i) {
    for (size_t k = 0; k < lesson.steps[i].checks.size(); ++k) {
      const std::string& until = lesson.steps[i].checks[k].until;
      if (until.empty()) continue;
      const int at = lesson.find_step(until);
      if (at > static_cast<int>(i)) continue;
      std::string path = str("steps[", i, "].check[", k, ']');
      mistakes.add(source.name, line_of(source, path), path + "…until",
                   str('"', until, "\" is no later step"));
    }
  }
}

void load_rest(const Source& source, const Mapping& map, Lesson& lesson, Mistakes& mistakes) {
  std::set<std::string> steps;
  for (const auto& [value, path] : map.list("steps", true)) {
    lesson.steps.push_back(load_step(source, *value, path, steps, mistakes));
  }
  check_until(source, lesson, mistakes);
  std::set<std::string> faults;
  for (const auto& [value, path] : map.list("faults", false)) {
    Mapping one(source, *value, path, mistakes, {"id", "do", "check", "solution"});
    Fault fault;
    fault.id = read_id(one, faults);
    fault.commands = one.texts("do", true);
    fault.checks = load_checks(source, one, mistakes);
    fault.solution = one.texts("solution", true);
    lesson.faults.push_back(std::move(fault));
  }
  std::set<std::string> questions;
  for (const auto& [value, path] : map.list("quiz", false)) {
    Mapping one(source, *value, path, mistakes, {"id", "command", "answer"});
    lesson.quiz.push_back({read_id(one, questions), one.text("command"), one.text("answer")});
  }
}

Lesson load_structure(const Source& source, Mistakes& mistakes) {
  Mapping map(source, source.value, "", mistakes,
              {"id", "number", "minutes", "part", "cluster", "host", "after", "setup", "ends",
               "steps", "faults", "quiz"});
  Lesson lesson;
  std::set<std::string> none;
  lesson.id = read_id(map, none);
  lesson.number = map.number("number", 1, 999, 0, true);
  lesson.minutes = map.number("minutes", 1, 600, 0, true);
  std::string part = map.text("part");
  lesson.core = part == "core";
  if (!part.empty() && part != "core" && part != "extra") map.refuse("part", "core or extra");
  lesson.cluster = map.text("cluster");
  lesson.host = map.text("host");
  lesson.after = map.texts("after", false);
  lesson.setup = map.texts("setup", false);
  lesson.ends = map.texts("ends", false);
  load_rest(source, map, lesson, mistakes);
  return lesson;
}

/// The files of one lesson's folder.
Lesson load_folder(const std::string& folder, const LessonFiles& files, Mistakes& mistakes) {
  const std::string shown = files.where.empty() ? "" : files.where + "/";
  auto structure = files.texts.find(folder + "/lesson.yaml");
  if (structure == files.texts.end()) {
    mistakes.add(shown + folder, 1, "", "there is no lesson.yaml");
    return {};
  }
  Source source = read_source(shown + structure->first, structure->second, mistakes);
  if (source.value.is_null()) return {};
  Lesson lesson = load_structure(source, mistakes);
  for (auto it = files.texts.lower_bound(folder + "/");
       it != files.texts.end() && it->first.starts_with(folder + "/"); ++it) {
    if (it == structure) continue;
    std::string language = it->first.substr(folder.size() + 1);
    language.resize(language.size() - std::string_view(".yaml").size());
    Source text = read_source(shown + it->first, it->second, mistakes);
    lesson.texts[language] = load_text(text, lesson, mistakes);
  }
  if (lesson.texts.empty()) {
    mistakes.add(shown + folder, 1, "", "there is no text: en.yaml, ko.yaml or another language");
  }
  return lesson;
}

/// Follows `after`; every lesson on a cycle is told.
void check_order(const std::vector<Lesson>& lessons, bool alone, Mistakes& mistakes) {
  std::map<std::string, const Lesson*> by_id;
  std::set<int> numbers;
  for (const Lesson& each : lessons) {
    if (!by_id.emplace(each.id, &each).second) {
      mistakes.add(each.id, 1, "id", "two lessons have this id");
    }
    if (!numbers.insert(each.number).second) {
      mistakes.add(each.id, 1, "number", str("two lessons have the number ", each.number));
    }
  }
  for (const Lesson& each : lessons) {
    std::set<std::string> seen;
    std::vector<std::string> open = each.after;
    while (!open.empty()) {
      std::string id = std::move(open.back());
      open.pop_back();
      if (id == each.id) {
        mistakes.add(each.id, 1, "after", "a cycle: this lesson comes after itself");
        break;
      }
      if (!seen.insert(id).second) continue;
      auto it = by_id.find(id);
      if (it == by_id.end()) {
        if (!alone) mistakes.add(each.id, 1, "after", str("there is no lesson \"", id, '"'));
        continue;
      }
      open.insert(open.end(), it->second->after.begin(), it->second->after.end());
    }
  }
}

}  // namespace

const std::vector<std::string_view>& known_needs() {
  static const std::vector<std::string_view> needs{"bridge-netfilter"};
  return needs;
}

Result<std::vector<Lesson>> load_lessons(const LessonFiles& files, bool alone) {
  Mistakes mistakes;
  std::set<std::string> folders;
  for (const auto& [path, text] : files.texts) folders.insert(path.substr(0, path.find('/')));
  std::vector<Lesson> lessons;
  for (const auto& folder : folders) lessons.push_back(load_folder(folder, files, mistakes));
  if (lessons.empty()) mistakes.add(files.where, 1, "", "there are no lessons");
  if (mistakes.none()) check_order(lessons, alone, mistakes);
  if (!mistakes.none()) return mistakes.to_error();
  std::sort(lessons.begin(), lessons.end(),
            [](const Lesson& a, const Lesson& b) { return a.number < b.number; });
  return lessons;
}

}  // namespace hoplab::labs
