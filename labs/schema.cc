#include "labs/schema.h"

#include "labs/check.h"
#include "labs/load.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

constexpr const char* ipv4_pattern = R"(^([0-9]{1,3}\.){3}[0-9]{1,3}$)";
constexpr const char* prefix_pattern = R"(^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$)";
constexpr const char* id_pattern = "^[a-z][a-z0-9-]{0,39}$";

Json text(std::string_view about = {}) {
  Json out{{"type", "string"}, {"minLength", 1}};
  if (!about.empty()) out["description"] = about;
  return out;
}

Json id(std::string_view about) {
  Json out = text(about);
  out["pattern"] = id_pattern;
  return out;
}

Json list_of(Json item, size_t least = 1) {
  return {{"type", "array"}, {"items", std::move(item)}, {"minItems", least}};
}

Json number(int least, int most, std::string_view about) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}, {"description", about}};
}

Json object(Json properties, std::vector<std::string> required, std::string_view about = {}) {
  Json out{{"type", "object"},
           {"properties", std::move(properties)},
           {"required", std::move(required)},
           {"additionalProperties", false}};
  if (!about.empty()) out["description"] = about;
  return out;
}

Json field(const FieldSpec& spec) {
  Json out;
  switch (spec.type) {
    case FieldType::boolean:
      out = {{"type", "boolean"}};
      break;
    case FieldType::number:
      out = {{"type", "integer"}, {"minimum", 1}};
      break;
    case FieldType::ipv4:
      out = {{"type", "string"}, {"pattern", ipv4_pattern}};
      break;
    case FieldType::prefix:
      out = {{"type", "string"}, {"pattern", prefix_pattern}};
      break;
    case FieldType::destination:
      out = {{"type", "string"}, {"pattern", str("^default$|", prefix_pattern)}};
      break;
    case FieldType::text:
      // YAML reads 1 as a number; the loader takes it as a text.
      out = {{"type", {"string", "number", "boolean"}}};
      break;
    case FieldType::texts:
      out = list_of(text());
      break;
  }
  for (auto each : spec.allowed) {
    (spec.type == FieldType::texts ? out["items"] : out)["enum"].push_back(each);
  }
  out["description"] = spec.about;
  return out;
}

Json check() {
  Json kinds = Json::object();
  for (const KindSpec& kind : check_kinds()) {
    Json fields = Json::object();
    std::vector<std::string> required;
    for (const FieldSpec& each : kind.fields) {
      fields[each.name] = field(each);
      if (each.required) required.emplace_back(each.name);
    }
    for (const FieldSpec& each : common_fields()) {
      const bool place = each.name == "netns" || each.name == "of";
      if (place && !kind.has_place) continue;
      if (each.name == "absent" && !kind.can_be_absent) continue;
      fields[each.name] = field(each);
    }
    kinds[kind.name] = object(std::move(fields), std::move(required), kind.about);
  }
  Json out = object(std::move(kinds), {}, "one kind of check with its fields");
  out["minProperties"] = 1;
  out["maxProperties"] = 1;
  return out;
}

Json command() {
  Json run =
      object({{"run", text("changes something")}, {"sees", text("what it prints")}}, {"run"});
  Json look = object({{"look", text("only shows something; not repeated by goto")},
                      {"sees", text("what it prints")}},
                     {"look"});
  return {{"oneOf", {text("a command that changes something"), run, look}}};
}

Json step() {
  Json needs = list_of({{"type", "string"}});
  for (auto each : known_needs()) needs["items"]["enum"].push_back(each);
  return object({{"id", id("unique in the lesson")},
                 {"do", list_of(command())},
                 {"check", list_of({{"$ref", "#/$defs/check"}})},
                 {"needs", std::move(needs)},
                 {"challenge", {{"type", "boolean"}, {"description", "hide the commands"}}}},
                {"id", "do", "check"});
}

}  // namespace

Json lesson_schema() {
  Json properties{
      {"id", id("unique in the course")},
      {"number", number(1, 999, "its place in the course")},
      {"minutes", number(1, 600, "how long it takes")},
      {"part", {{"enum", {"core", "extra"}}}},
      {"cluster", text("the ready-made cluster it runs on: linux, k8s")},
      {"host", text("the host its commands are typed on")},
      {"after", list_of(text(), 0)},
      {"setup", list_of(text("a command"), 0)},
      {"ends", list_of(text("the command line of a process that a reset ends"), 0)},
      {"steps", list_of({{"$ref", "#/$defs/step"}})},
      {"faults", list_of(object({{"id", id("unique")},
                                 {"do", list_of(text("a command that breaks something"))},
                                 {"check", list_of({{"$ref", "#/$defs/check"}})},
                                 {"solution", list_of(text("a command that mends it"))}},
                                {"id", "do", "check", "solution"}),
                         0)},
      {"quiz", list_of(object({{"id", id("unique")},
                               {"command", text("prints the answer")},
                               {"answer", {{"type", {"string", "number"}}}}},
                              {"id", "command", "answer"}),
                       0)}};
  Json schema = object(std::move(properties),
                       {"id", "number", "minutes", "part", "cluster", "host", "steps"});
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "lesson.yaml of hoplab";
  schema["$defs"] = {{"check", check()}, {"step", step()}};
  return schema;
}

std::map<std::string, std::string> lesson_template(const std::string& id, int number) {
  const std::string structure =
      "# hoplab lab validate FILE checks this file; `hoplab lab schema` prints its schema.\n"
      "id: " +
      id + "\nnumber: " + std::to_string(number) +
      "\nminutes: 10\npart: extra\ncluster: linux\nhost: linux\n"
      "steps:\n"
      "  - id: namespace\n"
      "    do:\n"
      "      - ip netns add GREEN\n"
      "      - look: ip netns list\n"
      "        sees: GREEN\n"
      "    check:\n"
      "      - netns: {name: GREEN}\n";
  auto words_of = [](const char* title, const char* goal, const char* text, const char* expect,
                     const char* hint, const char* why) {
    return str("title: ", title, "\ngoal: ", goal, "\nsteps:\n  namespace:\n    title: ", title,
               "\n    text: |\n      ", text, "\n    expect: ", expect, "\n    hints:\n      - ",
               hint, "\n    why: |\n      ", why, "\n");
  };
  return {{"lesson.yaml", structure},
          {"en.yaml", words_of("A namespace of your own", "Make a network namespace.",
                               "Make a namespace with the name GREEN.", "GREEN in the list.",
                               "The command is ip netns add NAME.",
                               "A named namespace is a file below /run/netns.")},
          {"ko.yaml", words_of("나만의 네임스페이스", "네트워크 네임스페이스를 만듭니다.",
                               "GREEN이라는 네임스페이스를 만드세요.", "목록에 GREEN이 보입니다.",
                               "명령은 ip netns add 이름 입니다.",
                               "이름 있는 네임스페이스는 /run/netns 아래의 파일입니다.")}};
}

}  // namespace hoplab::labs
