#include <algorithm>

#include "cmd/lab.h"
#include "labs/session.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

void paragraph(std::string& out, const std::string& label, const std::string& text) {
  if (text.empty()) return;
  out += str(label, label.empty() ? "" : "\n", trim(std::string_view(text)), "\n\n");
}

std::string keys(const labs::Say& say) {
  return say("type the commands, then `check`; or let `next` do them; stuck: `hint`\n",
             "명령을 직접 입력한 뒤 `check`, 또는 `next`로 대신 실행, 막히면 `hint`\n");
}

}  // namespace

std::string show_step(const Course& course, const labs::Lesson& lesson, int index) {
  const labs::Say& say = course.say;
  const auto& text = lesson.text(say.language());
  const int count = static_cast<int>(lesson.steps.size());
  if (index >= count) {
    return say("Lesson {0} is done: {1}\nthe next one: hoplab lab list\n",
               "레슨 {0}을(를) 마쳤습니다: {1}\n다음 레슨: hoplab lab list\n",
               {std::to_string(lesson.number), text.title});
  }
  const auto& step = lesson.steps[static_cast<size_t>(index)];
  const auto& words_of = text.steps.at(step.id);
  std::string out = say("== Lesson {0} · {1} == step {2}/{3} ({4}): {5}\n\n",
                        "== 레슨 {0} · {1} == {2}/{3}단계 ({4}): {5}\n\n",
                        {std::to_string(lesson.number), text.title, std::to_string(index + 1),
                         std::to_string(count), step.id, words_of.title});
  if (index == 0) paragraph(out, say("Goal:", "목표:"), text.goal);
  paragraph(out, "", words_of.text);
  if (!step.challenge) {
    for (const auto& item : step.commands) out += "    " + item.command + "\n";
    out += "\n";
  }
  paragraph(out, say("You should see:", "이렇게 보여야 합니다:"), words_of.expect);
  const std::string skipped = labs::why_skipped(step.needs, say);
  if (!skipped.empty()) {
    return out + say("this step is skipped here, because {0}\n  go on: next\n",
                     "이 단계는 여기서 건너뜁니다. 이유: {0}\n  계속: next\n", {skipped});
  }
  return out + keys(say);
}

std::string show_after(const Course& course, const labs::Lesson& lesson, int index) {
  const labs::Say& say = course.say;
  const auto& step = lesson.steps[static_cast<size_t>(index)];
  const auto& text = lesson.text(say.language()).steps.at(step.id);
  std::string out;
  paragraph(out, say("Why:", "왜 그럴까:"), text.why);
  paragraph(out, say("The talk's slide and your screen:", "발표 슬라이드와 내 화면:"), text.slide);
  paragraph(out, say("On a real cluster:", "실제 클러스터에서는:"), text.on_real_cluster);
  return out;
}

std::string show_list(const Course& course) {
  const labs::Say& say = course.say;
  std::string out;
  int minutes = 0;
  for (const auto& lesson : course.lessons) {
    auto done = course.progress.done.find(lesson.id);
    const size_t count = done == course.progress.done.end() ? 0 : done->second.size();
    const char* mark = course.progress.lesson == lesson.id ? "*" : " ";
    out += str(mark, lesson.number < 10 ? "  " : " ", lesson.number, "  ",
               lesson.text(say.language()).title, "  (", lesson.minutes, say(" min", "분"), ", ",
               lesson.core ? say("core", "필수") : say("extra", "선택"), ", ",
               std::min(count, lesson.steps.size()), '/', lesson.steps.size(), ")\n");
    if (lesson.core) minutes += lesson.minutes;
  }
  out += say("core: {0} min; begin: hoplab lab start 1\n",
             "필수 과정: {0}분. 시작: hoplab lab start 1\n", {std::to_string(minutes)});
  return out;
}

std::string show_status(const Course& course) {
  const labs::Say& say = course.say;
  auto found = course.current();
  if (!found) return found.error().message() + "\n";
  const labs::Lesson& lesson = **found;
  const auto& text = lesson.text(say.language());
  std::string out =
      say("lesson {0} · {1}, cluster {2}, host {3}\n", "레슨 {0} · {1}, 클러스터 {2}, 호스트 {3}\n",
          {std::to_string(lesson.number), text.title, course.cluster, lesson.host});
  auto done = course.progress.done.find(lesson.id);
  for (size_t i = 0; i < lesson.steps.size(); ++i) {
    const std::string& id = lesson.steps[i].id;
    const bool is_done = done != course.progress.done.end() && done->second.contains(id);
    const char* mark = is_done                                                  ? "v"
                       : !labs::why_skipped(lesson.steps[i].needs, say).empty() ? "-"
                                                                                : " ";
    out += str(course.progress.step == static_cast<int>(i) ? "> " : "  ", mark, ' ', i + 1, ' ', id,
               ": ", text.steps.at(id).title, "\n");
  }
  return out;
}

}  // namespace hoplab::cmd
