#include <set>

#include "labs/load.h"

namespace hoplab::labs {

namespace {

StepText load_step_text(const Source& source, const Json& value, const std::string& path,
                        Mistakes& mistakes) {
  Mapping map(source, value, path, mistakes,
              {"title", "text", "expect", "hints", "why", "slide", "on_real_cluster", "solution"});
  StepText text;
  text.title = map.text("title");
  text.text = map.text("text");
  text.expect = map.text("expect");
  text.why = map.text("why");
  text.hints = map.texts("hints", true);
  text.slide = map.text("slide", false);
  text.on_real_cluster = map.text("on_real_cluster", false);
  text.solution = map.text("solution", false);
  return text;
}

FaultText load_fault_text(const Source& source, const Json& value, const std::string& path,
                          Mistakes& mistakes) {
  Mapping map(source, value, path, mistakes, {"text", "why"});
  return {map.text("text"), map.text("why")};
}

QuestionText load_question_text(const Source& source, const Json& value, const std::string& path,
                                Mistakes& mistakes) {
  Mapping map(source, value, path, mistakes, {"ask", "why"});
  return {map.text("ask"), map.text("why")};
}

/// A mapping id -> texts that has exactly the ids of the lesson's list.
template <typename Item, typename Text>
std::map<std::string, Text> load_each(const Source& source, const Mapping& top,
                                      std::string_view field, const std::vector<Item>& items,
                                      Text (*load)(const Source&, const Json&, const std::string&,
                                                   Mistakes&),
                                      Mistakes& mistakes) {
  std::map<std::string, Text> texts;
  const Json& all = top.get(field);
  if (items.empty() && all.is_null()) return texts;
  std::vector<std::string_view> ids;
  for (const Item& item : items) ids.push_back(item.id);
  Mapping map(source, all, std::string(field), mistakes, ids);
  if (!all.is_object()) return texts;
  for (const Item& item : items) {
    if (!map.has(item.id)) {
      map.refuse(item.id, "this translation is missing");
      continue;
    }
    texts[item.id] = load(source, map.get(item.id), map.path(item.id), mistakes);
  }
  return texts;
}

}  // namespace

LessonText load_text(const Source& source, const Lesson& lesson, Mistakes& mistakes) {
  LessonText text;
  if (source.value.is_null()) {
    mistakes.add(source.name, 1, "", "the file is empty");
    return text;
  }
  Mapping map(source, source.value, "", mistakes, {"title", "goal", "steps", "faults", "quiz"});
  text.title = map.text("title");
  text.goal = map.text("goal");
  text.steps = load_each(source, map, "steps", lesson.steps, load_step_text, mistakes);
  text.faults = load_each(source, map, "faults", lesson.faults, load_fault_text, mistakes);
  text.quiz = load_each(source, map, "quiz", lesson.quiz, load_question_text, mistakes);
  return text;
}

}  // namespace hoplab::labs
