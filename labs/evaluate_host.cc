#include <algorithm>

#include "labs/judge.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

/// Whether `part` stands in `line` as a run of whole words.
bool has_words(const std::string& line, const std::string& part) {
  return (" " + line + " ").find(" " + part + " ") != std::string::npos;
}

}  // namespace

void judge_rule(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  const std::string chain = check.text("chain");
  judge.look_at(say("rules of chain {0} in table {1}", "{1} 테이블 {0} 체인의 규칙",
                    {chain, check.text("table")}));
  std::vector<std::string> there;
  bool found = false;
  for (const std::string& line : view.rules) {
    if (!line.starts_with("-A " + chain + " ")) continue;
    there.push_back(line);
    found = found || std::all_of(check.want["contains"].begin(), check.want["contains"].end(),
                                 [&line](const Json& part) {
                                   return has_words(line, part.get<std::string>());
                                 });
  }
  std::string wanted = "-A " + chain;
  for (const Json& part : check.want["contains"]) wanted += " " + part.get<std::string>();
  judge.presence(found, wanted);
  judge.find(say("there are: {0}", "지금 있는 것: {0}", {list_of(there, say)}));
}

void judge_policy(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const std::string chain = check.text("chain");
  judge.look_at(judge.say()("policy of chain {0} in table {1}", "{1} 테이블 {0} 체인의 정책",
                            {chain, check.text("table")}));
  std::string policy = "ACCEPT";  // A table that nobody made lets everything through.
  for (const std::string& line : view.rules) {
    auto parts = words(std::string_view(line));
    if (parts.size() >= 2 && parts[0] == ":" + chain) policy = parts[1];
  }
  judge.compare(check.text("is"), policy);
}

void judge_value(Judge& judge, const View& view, const std::string& what) {
  judge.look_at(what);
  judge.compare(judge.check().text("is"),
                view.value.value_or(judge.say()("it does not exist", "존재하지 않음")));
}

void judge_process(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  judge.look_at(say("process `{0}`", "프로세스 `{0}`", {check.text("command")}));
  judge.presence(!view.processes.empty(), view.processes.empty() ? "" : say("it runs", "실행 중"));
  if (view.processes.empty() || check.absent) return;
  // The newest of several: an older one may be left from before.
  const ProcessView& process = view.processes.back();
  judge.find(str("pid ", process.pid));
  auto each = [&](const char* field, bool own) {
    for (const Json& kind : member(check.want, field)) {
      const std::string name = kind.get<std::string>();
      const std::string yes =
          say("a {0} namespace of its own", "자기만의 {0} 네임스페이스", {name});
      const std::string no = say("the host's {0} namespace", "호스트의 {0} 네임스페이스", {name});
      auto it = process.own.find(name);
      judge.compare(own ? yes : no, it != process.own.end() && it->second ? yes : no);
    }
  };
  each("own", true);
  each("shares", false);
}

}  // namespace hoplab::labs
