#include "labs/lesson.h"

#include <charconv>

namespace hoplab::labs {

const LessonText& Lesson::text(std::string_view language) const {
  auto it = texts.find(std::string(language));
  if (it == texts.end()) it = texts.find("en");
  return it == texts.end() ? texts.begin()->second : it->second;
}

int Lesson::find_step(std::string_view name) const {
  int place = 0;
  auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), place);
  const int count = static_cast<int>(steps.size());
  if (ec == std::errc() && end == name.data() + name.size()) {
    return place >= 1 && place <= count ? place - 1 : -1;
  }
  for (int i = 0; i < count; ++i) {
    if (steps[static_cast<size_t>(i)].id == name) return i;
  }
  return -1;
}

}  // namespace hoplab::labs
