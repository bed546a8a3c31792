#include "labs/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "labs/schema.h"
#include "runtime/base/fd.h"

namespace hoplab::labs {

namespace {

using testing::HasSubstr;

constexpr const char* structure = R"(id: small
number: 7
minutes: 5
part: core
cluster: linux
host: linux
steps:
  - id: one
    do:
      - ip netns add RED
    check:
      - netns: {name: RED, until: two}
  - id: two
    do:
      - look: ip netns list
        sees: RED
      - run: ip netns del RED
    check:
      - netns: {name: RED, absent: true}
)";

constexpr const char* english = R"(title: Small
goal: Little.
steps:
  one: {title: One, text: Do., expect: See., hints: [so], why: Because.}
  two: {title: Two, text: Do., expect: See., hints: [so], why: Because.}
)";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) text.replace(at, what.size(), instead);
  return text;
}

Result<std::vector<Lesson>> load(const std::string& lesson, const std::string& text = english) {
  LessonFiles files;
  files.texts = {{"07-small/lesson.yaml", lesson}, {"07-small/en.yaml", text}};
  return load_lessons(files);
}

std::string mistake(const std::string& what, const std::string& instead) {
  auto lessons = load(with(structure, what, instead));
  return lessons ? "no mistake" : lessons.error().message();
}

TEST(Load, SmallLesson) {
  auto lessons = load(structure);
  ASSERT_TRUE(lessons) << lessons.error().message();
  const Lesson& lesson = lessons->front();
  EXPECT_EQ(lesson.number, 7);
  ASSERT_EQ(lesson.steps.size(), 2U);
  EXPECT_EQ(lesson.steps[0].checks[0].until, "two");
  EXPECT_TRUE(lesson.steps[1].commands[0].look);
  EXPECT_EQ(lesson.steps[1].commands[0].sees, "RED");
  EXPECT_FALSE(lesson.steps[1].commands[1].look);
  EXPECT_TRUE(lesson.steps[1].checks[0].absent);
  EXPECT_EQ(lesson.text("ko").title, "Small");
  EXPECT_EQ(lesson.find_step("two"), 1);
  EXPECT_EQ(lesson.find_step("1"), 0);
  EXPECT_EQ(lesson.find_step("3"), -1);
}

TEST(Load, MistakesNameFileLineAndField) {
  EXPECT_THAT(
      mistake("- netns: {name: RED, absent", "- nets: {name: RED, absent"),
      HasSubstr("07-small/lesson.yaml:19: steps[1].check[0].nets: no such check; there are: "
                "netns, link, "));
  EXPECT_THAT(
      mistake("name: RED, until: two", "nme: RED"),
      HasSubstr("lesson.yaml:12: steps[0].check[0].netns.nme: no such field; there are: name"));
  EXPECT_THAT(mistake("name: RED, until: two", "nme: RED"),
              HasSubstr("steps[0].check[0].netns.name: is missing"));
  EXPECT_THAT(mistake("id: two", "id: one"),
              HasSubstr("lesson.yaml:13: steps[1].id: \"one\" is there twice"));
  EXPECT_THAT(mistake("until: two", "until: three"), HasSubstr("\"three\" is no later step"));
  EXPECT_THAT(mistake("minutes: 5", "minutes: many"),
              HasSubstr("lesson.yaml:3: minutes: a number from 1 to 600 is expected"));
  EXPECT_THAT(mistake("part: core", "part: main"), HasSubstr("part: core or extra"));
  EXPECT_THAT(mistake("      - run:", "      - rum:"), HasSubstr("do[1].rum: no such field"));
  EXPECT_THAT(mistake("id: small", "id: [small"), HasSubstr("07-small/lesson.yaml:1: line "));
  EXPECT_THAT(mistake("host: linux", "host: linux\nafter: [large]"),
              HasSubstr("there is no lesson \"large\""));
}

TEST(Load, ChecksHaveTypes) {
  auto check = [](const std::string& text) {
    return mistake("netns: {name: RED, until: two}", text);
  };
  EXPECT_THAT(check("ping: {to: 1.2.3, answer: reply}"), HasSubstr("ping.to: "));
  EXPECT_THAT(check("ping: {to: 1.2.3.4, answer: maybe}"),
              HasSubstr("\"maybe\" is none of: reply"));
  EXPECT_THAT(check("address: {link: a, is: 1.2.3.4}"), HasSubstr("the length is missing"));
  EXPECT_THAT(check("link: {name: a, up: 3}"), HasSubstr("true or false is expected"));
  EXPECT_THAT(check("ping: {to: 1.2.3.4, answer: reply, absent: true}"),
              HasSubstr("absent: makes no sense here"));
  EXPECT_THAT(check("netns: {name: RED, netns: BLUE}"), HasSubstr("this check has no place"));
  EXPECT_THAT(check("link: {name: a, netns: RED, of: sleep 1}"),
              HasSubstr("netns or of, not both"));
  EXPECT_THAT(check("route: {to: somewhere}"), HasSubstr("route.to: "));
  EXPECT_EQ(check("route: {to: default, via: 1.2.3.4}"), "no mistake");
  EXPECT_EQ(check("sysctl: {key: net/ipv4/ip_forward, is: 1}"), "no mistake");
}

TEST(Load, MissingTranslation) {
  auto lessons = load(structure, with(english, "  two:", "  three:"));
  ASSERT_FALSE(lessons);
  EXPECT_THAT(lessons.error().message(),
              HasSubstr("07-small/en.yaml:5: steps.three: no such field; there are: one, two"));
  EXPECT_THAT(lessons.error().message(), HasSubstr("steps.two: this translation is missing"));
  auto no_why = load(structure, with(english, ", why: Because.}\n  two", "}\n  two"));
  ASSERT_FALSE(no_why);
  EXPECT_THAT(no_why.error().message(), HasSubstr("en.yaml:4: steps.one.why: is missing"));
}

TEST(Load, Cycle) {
  LessonFiles files;
  for (const char* id : {"a", "b"}) {
    const std::string other = id == std::string("a") ? "b" : "a";
    const std::string folder = std::string("0") + id + "/";
    files.texts[folder + "lesson.yaml"] =
        with(with(structure, "id: small", std::string("id: ") + id), "number: 7",
             std::string("number: ") + (other == "b" ? "1" : "2")) +
        "after: [" + other + "]\n";
    files.texts[folder + "en.yaml"] = english;
  }
  auto lessons = load_lessons(files);
  ASSERT_FALSE(lessons);
  EXPECT_THAT(lessons.error().message(), HasSubstr("a cycle: this lesson comes after itself"));
}

TEST(Load, BuiltInLessonsAreWholeInBothLanguages) {
  auto lessons = load_lessons(built_in_lessons());
  ASSERT_TRUE(lessons) << lessons.error().message();
  EXPECT_GE(lessons->size(), 4U);
  for (const Lesson& lesson : *lessons) {
    EXPECT_TRUE(lesson.texts.contains("en")) << lesson.id;
    EXPECT_TRUE(lesson.texts.contains("ko")) << lesson.id;
    for (const auto& [id, text] : lesson.texts.at("en").steps) {
      const StepText& korean = lesson.texts.at("ko").steps.at(id);
      EXPECT_EQ(text.slide.empty(), korean.slide.empty()) << lesson.id << " " << id;
      EXPECT_EQ(text.on_real_cluster.empty(), korean.on_real_cluster.empty())
          << lesson.id << " " << id;
      EXPECT_EQ(text.hints.size(), korean.hints.size()) << lesson.id << " " << id;
    }
  }
}

TEST(Load, PackedLessonsMayBeDamaged) {
  auto good = unpack_lessons(
      "a/b.yaml\n3\nx\ny"
      "c\n0\n");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->at("a/b.yaml"), "x\ny");
  EXPECT_EQ(good->at("c"), "");
  EXPECT_FALSE(unpack_lessons("a\n30\nx"));
  EXPECT_FALSE(unpack_lessons("a\nb\nx"));
}

TEST(Schema, IsThePublishedOne) {
  auto published = read_file("docs/lesson.schema.json");
  ASSERT_TRUE(published);
  EXPECT_EQ(*published, dump_json_pretty(lesson_schema()) + "\n")
      << "hoplab lab schema > docs/lesson.schema.json";
}

TEST(Schema, TemplateIsValid) {
  LessonFiles files;
  for (const auto& [name, text] : lesson_template("mine", 30))
    files.texts["30-mine/" + name] = text;
  auto lessons = load_lessons(files);
  ASSERT_TRUE(lessons) << lessons.error().message();
  EXPECT_EQ(lessons->front().texts.size(), 2U);
}

}  // namespace

}  // namespace hoplab::labs
