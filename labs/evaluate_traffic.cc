#include <algorithm>

#include "labs/judge.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

std::string protocol_name(uint8_t number) {
  return number == 6 ? "tcp" : number == 17 ? "udp" : number == 1 ? "icmp" : str("ip/", number);
}

std::string describe(const ConntrackEntry& entry) {
  return str(protocol_name(entry.protocol), ' ', to_string(entry.original.source), "->",
             to_string(entry.original.destination), " (reply ", to_string(entry.reply.source), "->",
             to_string(entry.reply.destination), ')');
}

std::string answer_text(std::string_view answer, const Say& say) {
  if (answer == "reply") return say("a reply", "응답이 옴");
  if (answer == "silence")
    return say("silence: nothing comes back", "아무 응답도 없음(조용한 손실)");
  if (answer == "host-unreachable") return "Destination Host Unreachable";
  if (answer == "net-unreachable") return "Network is unreachable";
  return say("refused by a firewall", "방화벽이 거절함");
}

std::string_view answer_name(PingAnswer answer) {
  switch (answer) {
    case PingAnswer::reply:
      return "reply";
    case PingAnswer::host_unreachable:
      return "host-unreachable";
    case PingAnswer::net_unreachable:
      return "net-unreachable";
    case PingAnswer::refused:
      return "refused";
    default:
      return "silence";
  }
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

}  // namespace

void judge_conntrack(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  judge.look_at(say("tracked connections", "연결 추적(conntrack) 테이블"));
  std::vector<std::string> there;
  bool found = false;
  for (const ConntrackEntry& entry : view.connections) {
    there.push_back(describe(entry));
    found =
        found ||
        (protocol_name(entry.protocol) == check.text("protocol") &&
         to_string(entry.original.source) == check.text("from") &&
         to_string(entry.original.destination) == check.text("to") &&
         (!judge.wants("port") || entry.original.destination_port == int_or(check.want, "port")) &&
         (!judge.wants("answers_go_to") ||
          to_string(entry.reply.destination) == check.text("answers_go_to")));
  }
  std::string wanted = str(check.text("protocol"), ' ', check.text("from"), "->", check.text("to"));
  if (judge.wants("answers_go_to")) wanted += " (reply ->" + check.text("answers_go_to") + ")";
  judge.presence(found, wanted);
  judge.find(say("there are: {0}", "지금 있는 것: {0}", {list_of(there, say)}));
}

void judge_ping(Judge& judge, const View& view) {
  judge.look_at(judge.say()("ping {0}", "{0}에 보낸 ping", {judge.check().text("to")}));
  judge.compare(answer_text(judge.check().text("answer"), judge.say()),
                answer_text(answer_name(view.ping), judge.say()));
}

void judge_http(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  judge.look_at(say("http://{0}/", "http://{0}/", {check.text("to")}));
  const std::string part = check.text("contains");
  const std::string wanted = part.empty()
                                 ? say("a page", "페이지")
                                 : say("a page with \"{0}\"", "\"{0}\"이(가) 든 페이지", {part});
  const bool good = view.value && view.value->find(part) != std::string::npos;
  judge.compare(wanted, good         ? wanted
                        : view.value ? say("another page: {0}", "다른 페이지: {0}",
                                           {trim(std::string_view(*view.value).substr(0, 200))})
                                     : view.failure);
}

void judge_dns(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  judge.look_at(
      say("{0} asked at {1}", "{1}에 물어본 {0}", {check.text("name"), check.text("server")}));
  const std::string is = check.text("is");
  const bool good =
      is.empty() ? !view.answers.empty()
                 : std::find(view.answers.begin(), view.answers.end(), is) != view.answers.end();
  const std::string wanted = is.empty() ? say("an address", "주소") : is;
  const std::string there = view.failure.empty() ? list_of(view.answers, say) : view.failure;
  judge.compare(wanted, good ? wanted : there);
}

void judge_object(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  const std::string name = check.text("kind") + "/" + check.text("name");
  judge.look_at(say("{0} in the API", "API의 {0}", {name}));
  judge.presence(view.object.has_value(), "");
  if (!view.object || check.absent || !judge.wants("path")) return;
  const std::string path = check.text("path");
  const Json& value = at_path(*view.object, path);
  const std::string unset = say("is not set", "없음");
  if (judge.wants("is")) {
    judge.compare(path + ": " + check.text("is"),
                  path + ": " + (value.is_null() ? unset : as_text(value)));
  } else {
    const std::string set = say("{0} is set", "{0} 있음", {path});
    judge.compare(set, value.is_null() ? path + " " + unset : set);
  }
}

}  // namespace hoplab::labs
