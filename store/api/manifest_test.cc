#include "store/api/manifest.h"

#include <gmock/gmock.h>

namespace hoplab::api {
namespace {

using testing::Eq;
using testing::HasSubstr;

Json yaml(std::string_view text) {
  auto value = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(value.ok()) << text << "\n" << (value ? "" : value.error().message());
  return value ? std::move(value).value() : Json();
}

std::string failure(std::string_view text) {
  auto documents = parse_manifest(text, "web.yaml");
  if (documents) return "no error";
  EXPECT_EQ(documents.error().code(), ErrorCode::bad_request);
  return documents.error().message();
}

TEST(Yaml, ReadsScalarsAsKubectlDoes) {
  EXPECT_EQ(yaml("[yes, No, on, y, TRUE, ~, null, , 'yes', \"1\", 010, 0x1f, 0b11, 1_000, 08]"),
            Json({true, false, true, true, true, nullptr, nullptr, nullptr, "yes", "1", 8, 31, 3,
                  1000, 8}));
  EXPECT_EQ(
      yaml("[1.5, 1e3, .5, -3, +4, 1.2.3, 10.0.0.1, 2022-01-02, 22:30, 18446744073709551615]"),
      Json({1.5, 1000, 0.5, -3, 4, "1.2.3", "10.0.0.1", "2022-01-02", "22:30",
            18446744073709551615U}));
  EXPECT_EQ(yaml("[!!str 12, !!int \"12\", ! 12, -9223372036854775808, 100m, 1Gi, 'it''s']"),
            Json({"12", 12, "12", INT64_MIN, "100m", "1Gi", "it's"}));
  EXPECT_EQ(yaml(R"(["\N", "\_", "\x41\u00e9\U0001F600", "\0"])"),
            Json({"\xC2\x85", "\xC2\xA0", "A\u00e9\U0001F600", std::string(1, '\0')}));
  EXPECT_EQ(yaml("{80: a, yes: b, 1.5: c}"), Json({{"80", "a"}, {"true", "b"}, {"1.5", "c"}}));
  EXPECT_EQ(yaml("a: |\n  x\n   y\nb: >-\n  folded\n  line\n"),
            Json({{"a", "x\n y\n"}, {"b", "folded line"}}));
}

TEST(Yaml, MergesAnchors) {
  EXPECT_EQ(yaml("base: &b {image: nginx, port: 80}\nweb: {<<: *b, port: 8080}\n"
                 "two: {<<: [{port: 1}, *b], name: x}\n"),
            Json({{"base", {{"image", "nginx"}, {"port", 80}}},
                  {"web", {{"image", "nginx"}, {"port", 8080}}},
                  {"two", {{"image", "nginx"}, {"port", 1}, {"name", "x"}}}}));
  EXPECT_EQ(yaml("a: &x [1, &y 2]\nb: [*x, *y]"), Json({{"a", {1, 2}}, {"b", {Json({1, 2}), 2}}}));
}

TEST(Yaml, RefusesBombs) {
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    std::string below = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int n = 0; n < 9; ++n) laughs += ", " + below;
    laughs += "]\n";
  }
  EXPECT_THAT(failure(laughs), HasSubstr("unfold to more than 16 MB"));
  EXPECT_THAT(failure(std::string(100000, '[')), HasSubstr("web.yaml: line 1, column "));
  EXPECT_THAT(failure(std::string(100000, '{')), HasSubstr("web.yaml: line 1, column "));
  std::string deep = "a: &a ";
  for (int i = 0; i < 150; ++i) deep += "[";
  deep += "x" + std::string(150, ']') + "\nb: ";
  deep += std::string(150, '[') + "*a" + std::string(150, ']') + "\n";
  EXPECT_THAT(failure(deep), HasSubstr("nested deeper than 200 levels"));
  EXPECT_THAT(failure("a: &a [*a]"), HasSubstr("inside its own anchor"));
}

TEST(Manifest, ErrorsNameFileLineAndColumn) {
  EXPECT_THAT(failure("kind: Pod\nspec:\n  a: [1\n  b: 2\n"),
              testing::StartsWith("web.yaml: line "));
  EXPECT_THAT(failure("kind: Pod\nspec:\n  image: a\n  image: b\n"),
              testing::Eq("web.yaml: line 4, column 3: key \"image\" already set in map"));
  EXPECT_THAT(failure("kind: Pod\n? [a]\n: b\n"), HasSubstr("line 2, column 3: a key must be"));
  EXPECT_THAT(failure("kind: Pod\nx: .inf\n"), HasSubstr("line 2, column 4: .inf has no place"));
  EXPECT_THAT(failure("kind: Pod\nx: \xff\n"), Eq("web.yaml: line 2, column 4: the text is not "
                                                  "valid UTF-8"));
  EXPECT_THAT(failure("a: *nope"), HasSubstr("web.yaml: line 1, column"));
  EXPECT_THAT(failure("# nothing\n---\njust text\n"),
              Eq("web.yaml: line 3: expected an object with apiVersion and kind, found string"));
  EXPECT_THAT(failure("apiVersion: v1\nmetadata: {}\n"), Eq("web.yaml: line 1: kind not set"));
  EXPECT_THAT(failure("kind: Pod\napiVersion: 1\n"),
              Eq("web.yaml: line 2: apiVersion must be a non-empty string"));
  for (const char* stray : {", a", "kind: Pod\n---\n] x", "a: b\n}", "a\n, {b: c}"}) {
    EXPECT_THAT(failure(stray), HasSubstr("web.yaml: line ")) << stray;
  }
  EXPECT_THAT(failure("{\"kind\": \"Pod\",}"), HasSubstr("web.yaml: line 1"));
}

TEST(Manifest, ReadsManyDocumentsAndLists) {
  auto documents = parse_manifest(
      "# a comment\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n---\n---\n"
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  spec:\n"
      "    ports:\n    - port: 80\n- apiVersion: apps/v1\n  kind: Deployment\n",
      "web.yaml");
  ASSERT_TRUE(documents.ok()) << documents.error().message();
  ASSERT_EQ(documents->size(), 3U);
  const auto& pod = documents->at(0);
  EXPECT_EQ(at_path(pod.object, "metadata.name"), "a");
  EXPECT_EQ(pod.line, 3);
  EXPECT_EQ(pod.line_of("metadata.name"), 6);
  EXPECT_EQ(pod.line_of("metadata.labels[x]"), 5);
  const auto& service = documents->at(1);
  EXPECT_EQ(service.line, 12);
  EXPECT_EQ(service.line_of("spec.ports[0].port"), 16);
  EXPECT_EQ(service.line_of("spec.ports[0].nodePort"), 16);
  EXPECT_EQ(documents->at(2).object["kind"], "Deployment");
  for (const char* empty : {"", "---", "---\n---\n# c\n---\n...\n---\n"}) {
    EXPECT_TRUE(parse_manifest(empty, "x")->empty()) << empty;
    EXPECT_EQ(yaml(empty), nullptr) << empty;
  }
  EXPECT_EQ(yaml("---\na: 1\n---\n"), Json({{"a", 1}}));
  EXPECT_FALSE(parse_yaml("a: 1\n---\nb: 2\n", "x").ok());
}

TEST(Manifest, ReadsJsonAndTypedLists) {
  auto documents = parse_manifest(
      R"({"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]})", "x.json");
  ASSERT_TRUE(documents.ok());
  ASSERT_EQ(documents->size(), 1U);
  EXPECT_EQ(documents->at(0).object["kind"], "Pod");
  EXPECT_EQ(documents->at(0).object["apiVersion"], "v1");
  // YAML in flow style begins like JSON.
  EXPECT_EQ(parse_manifest("{apiVersion: v1, kind: Pod}", "x")->size(), 1U);
}

// The expectation is the output of kubectl 1.20 for the same ConfigMap.
TEST(ToYaml, PrintsAsKubectlDoes) {
  Json object = {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", {{"creationTimestamp", nullptr}, {"name", "x"}, {"labels", Json::object()}}},
      {"data",
       {{"a10", "yes"},
        {"a2", ""},
        {"block", "one\n  two\n"},
        {"cut", "no newline\nat the end"},
        {"date", "2020-01-01T00:00:00Z"},
        {"fold",
         "word word word word word word word word word word word word word word word word "
         "word word word word word"},
        {"lead", "  x\ny\n"},
        {"mark", "a: b"},
        {"more", "x\n\n"},
        {"number", "12"},
        {"plain", "nginx:1.21"},
        {"quote", "'it' is"},
        {"tab", "a\tb\nc"},
        {"time", "22:30"}}}};
  EXPECT_EQ(to_yaml(object), R"(apiVersion: v1
data:
  a2: ""
  a10: "yes"
  block: |
    one
      two
  cut: |-
    no newline
    at the end
  date: "2020-01-01T00:00:00Z"
  fold: word word word word word word word word word word word word word word word
    word word word word word word
  lead: |2
      x
    y
  mark: 'a: b'
  more: |+
    x

  number: "12"
  plain: nginx:1.21
  quote: '''it'' is'
  tab: "a\tb\nc"
  time: "22:30"
kind: ConfigMap
metadata:
  creationTimestamp: null
  labels: {}
  name: x
)");
}

TEST(ToYaml, PutsListsUnderTheirKeys) {
  Json object = {
      {"spec",
       {{"args", Json::array()},
        {"containers",
         {{{"name", "a"}, {"ports", {{{"containerPort", 80}}}}, {"tty", true}}, {{"name", "b"}}}},
        {"nested", {{1, 2}, {{{"x", 1.5}}}}}}}};
  EXPECT_EQ(to_yaml(object), R"(spec:
  args: []
  containers:
  - name: a
    ports:
    - containerPort: 80
    tty: true
  - name: b
  nested:
  - - 1
    - 2
  - - x: 1.5
)");
  EXPECT_EQ(yaml(to_yaml(object)), object);
  EXPECT_EQ(to_yaml("x"), "x\n");
  EXPECT_EQ(to_yaml({{std::string(140, 'k'), 1}}), "? " + std::string(140, 'k') + "\n: 1\n");
}

}  // namespace
}  // namespace hoplab::api
