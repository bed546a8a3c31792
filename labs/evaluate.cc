#include "labs/evaluate.h"

#include <algorithm>
#include <functional>

#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

/// The verdict so far; each want adds what it misses.
class Judge {
 public:
  Judge(const Check& check, const Say& say) : check_(check), say_(say) {
    verdict_.read = command_of(check);
  }

  void look_at(std::string what) {
    const std::string place = place_of(check_, say_);
    verdict_.looked_at = place.empty() ? what : say_("{0} {1}", "{1} {0}", {what, place});
  }
  void expect(const std::string& what) {
    verdict_.expected += (verdict_.expected.empty() ? "" : ", ") + what;
  }
  void find(const std::string& what) {
    verdict_.found += (verdict_.found.empty() ? "" : ", ") + what;
  }
  /// One property: what is wanted, what is there.
  void compare(const std::string& wanted, const std::string& there) {
    expect(wanted);
    find(there);
    fits_ = fits_ && wanted == there;
  }
  /// The thing as such.
  void presence(bool there, const std::string& how) {
    there_ = there;
    if (check_.absent) expect(say_("it is not there", "없어야 함"));
    if (!there) {
      if (!check_.absent) expect(how.empty() ? say_("it is there", "있어야 함") : how);
      find(say_("it is not there", "없음"));
    } else if (check_.absent) {
      find(how.empty() ? say_("it is there", "있음") : how);
    }
  }
  Verdict done() {
    verdict_.passed = check_.absent ? !there_ : there_ && fits_;
    return std::move(verdict_);
  }

  [[nodiscard]] const Check& check() const { return check_; }
  [[nodiscard]] const Say& say() const { return say_; }
  [[nodiscard]] bool wants(std::string_view field) const { return check_.want.contains(field); }

 private:
  const Check& check_;
  const Say& say_;
  Verdict verdict_;
  bool there_ = true;
  bool fits_ = true;
};

std::string list_of(const std::vector<std::string>& names, const Say& say) {
  return names.empty() ? say("nothing", "아무것도 없음") : join(names, ", ");
}

void judge_netns(Judge& judge, const View& view) {
  const std::string name = judge.check().text("name");
  judge.look_at(judge.say()("network namespaces", "네트워크 네임스페이스"));
  const bool there =
      std::find(view.namespaces.begin(), view.namespaces.end(), name) != view.namespaces.end();
  judge.presence(there, there ? name : "");
  if (!there && !judge.check().absent) judge.expect(name);
  judge.find(
      judge.say()("there are: {0}", "지금 있는 것: {0}", {list_of(view.namespaces, judge.say())}));
}

void judge_link(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  const std::string name = check.text("name");
  judge.look_at(say("link {0}", "링크 {0}", {name}));
  const Link* link = view.network.link(name);
  judge.presence(link != nullptr, "");
  if (link == nullptr) {
    std::vector<std::string> names;
    for (const Link& each : view.network.links) names.push_back(each.name);
    judge.find(say("there are: {0}", "지금 있는 것: {0}", {list_of(names, say)}));
    return;
  }
  if (check.absent) return;
  if (judge.wants("kind")) judge.compare(check.text("kind"), std::string(to_string(link->kind)));
  if (judge.wants("up")) {
    judge.compare(bool_or(check.want, "up") ? "UP" : "DOWN", link->up ? "UP" : "DOWN");
  }
  if (judge.wants("carrier")) {
    const std::string yes = say("its other end is on", "반대쪽 끝이 켜짐");
    const std::string no = say("its other end is off", "반대쪽 끝이 꺼짐");
    judge.compare(bool_or(check.want, "carrier") ? yes : no, link->carrier ? yes : no);
  }
  if (judge.wants("master")) {
    auto port = [&say](const std::string& bridge) {
      return bridge.empty() ? say("port of no bridge", "브리지 포트가 아님")
                            : say("port of {0}", "{0}의 포트", {bridge});
    };
    judge.compare(port(check.text("master")), port(link->master));
  }
  if (judge.wants("mtu")) {
    judge.compare(str("mtu ", int_or(check.want, "mtu")), str("mtu ", link->mtu));
  }
}

void judge_address(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const std::string link = check.text("link");
  judge.look_at(judge.say()("addresses of {0}", "{0}의 주소", {link}));
  std::vector<std::string> there;
  for (const Address& each : view.network.addresses) {
    if (each.link == link) there.push_back(to_string(each.prefix));
  }
  const std::string wanted = check.text("is");
  judge.presence(std::find(there.begin(), there.end(), wanted) != there.end(), wanted);
  judge.find(judge.say()("there are: {0}", "지금 있는 것: {0}", {list_of(there, judge.say())}));
}

void judge_route(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  const std::string to = check.text("to");
  judge.look_at(say("routes", "라우팅 테이블"));
  std::vector<std::string> all;
  bool there = false;
  for (const Route& each : view.network.main_routes()) {
    all.push_back(to_string(each));
    const bool destination =
        to == "default" ? each.destination.length() == 0 : to_string(each.destination) == to;
    const bool via =
        !judge.wants("via") || (each.gateway && to_string(*each.gateway) == check.text("via"));
    const bool dev = !judge.wants("dev") || each.link == check.text("dev");
    there = there || (destination && via && dev);
  }
  std::string wanted = to;
  if (judge.wants("via")) wanted += " via " + check.text("via");
  if (judge.wants("dev")) wanted += " dev " + check.text("dev");
  judge.presence(there, wanted);
  judge.find(say("there are: {0}", "지금 있는 것: {0}", {list_of(all, say)}));
}

void judge_neighbor(Judge& judge, const View& view) {
  const Check& check = judge.check();
  const Say& say = judge.say();
  const std::string ip = check.text("ip");
  judge.look_at(say("ARP table", "ARP 테이블"));
  const Neighbor* entry = nullptr;
  for (const Neighbor& each : view.network.neighbors) {
    if (to_string(each.ip) == ip && !each.proxy) entry = &each;
  }
  judge.presence(entry != nullptr, say("an entry for {0}", "{0} 항목", {ip}));
  if (entry == nullptr || check.absent || !judge.wants("resolved")) return;
  const bool resolved = entry->mac.has_value();
  const bool wanted = bool_or(check.want, "resolved");
  const std::string failed =
      say("{0}: nobody answers (FAILED)", "{0}: 아무도 대답하지 않음(FAILED)", {ip});
  const std::string known = say("{0}: its MAC is known", "{0}: MAC 주소를 알고 있음", {ip});
  judge.compare(wanted ? known : failed, resolved ? known : failed);
}

/// Whether `part` stands in `line` as a run of whole words.
bool has_words(const std::string& line, const std::string& part) {
  return (" " + line + " ").find(" " + part + " ") != std::string::npos;
}

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

std::string protocol_name(uint8_t number) {
  return number == 6 ? "tcp" : number == 17 ? "udp" : number == 1 ? "icmp" : str("ip/", number);
}

std::string describe(const ConntrackEntry& entry) {
  return str(protocol_name(entry.protocol), ' ', to_string(entry.original.source), "->",
             to_string(entry.original.destination), " (reply ", to_string(entry.reply.source), "->",
             to_string(entry.reply.destination), ')');
}

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

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
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

}  // namespace

std::string place_of(const Check& check, const Say& say) {
  if (check.kind == CheckKind::object) return {};
  const bool probe = spec_of(check.kind).probe;
  if (!check.netns.empty()) {
    return say("in namespace {0}", probe ? "네임스페이스 {0}에서" : "네임스페이스 {0}의",
               {check.netns});
  }
  if (!check.of.empty()) {
    return say("in the namespaces of `{0}`", "프로세스 `{0}`의 네임스페이스에서", {check.of});
  }
  return say("on the host", probe ? "호스트에서" : "호스트의");
}

std::string command_of(const Check& check) {
  std::string exec;
  std::string ip = "ip";
  if (!check.netns.empty()) {
    exec = "ip netns exec " + check.netns + " ";
    ip = "ip -n " + check.netns;
  } else if (!check.of.empty()) {
    exec = str("nsenter -t $(pgrep -fx '", check.of, "') ",
               check.kind == CheckKind::hostname ? "-u " : "-n ");
    ip = exec + "ip";
  }
  switch (check.kind) {
    case CheckKind::netns:
      return "ip netns list";
    case CheckKind::link:
      return ip + " -d link show " + check.text("name");
    case CheckKind::address:
      return ip + " addr show " + check.text("link");
    case CheckKind::route:
      return ip + " route";
    case CheckKind::neighbor:
      return ip + " neigh";
    case CheckKind::rule:
    case CheckKind::policy:
      return exec + "iptables-save -t " + check.text("table");
    case CheckKind::sysctl: {
      std::string key = check.text("key");
      std::replace(key.begin(), key.end(), '/', '.');
      return exec + "sysctl " + key;
    }
    case CheckKind::process:
      return "pgrep -afx '" + check.text("command") + "'; lsns";
    case CheckKind::hostname:
      return exec + "hostname";
    case CheckKind::conntrack:
      return exec + "conntrack -L";
    case CheckKind::ping:
      return exec + "ping -c 1 " + check.text("to");
    case CheckKind::http:
      return str(exec, "curl -m 2 http://", check.text("to"),
                 check.want.contains("port") ? str(':', int_or(check.want, "port")) : "", "/");
    case CheckKind::dns:
      return str(exec, "dig @", check.text("server"), " ", check.text("name"));
    case CheckKind::object:
      return str("kubectl get ", check.text("kind"), " ", check.text("name"), " -n ",
                 string_or(check.want, "namespace", "default"), " -o yaml");
  }
  return {};
}

Verdict evaluate(const Check& check, const View& view, const Say& say) {
  Judge judge(check, say);
  if (!view.missing_place.empty()) {
    judge.look_at(std::string(spec_of(check.kind).name));
    judge.presence(false, "");
    judge.find(say("{0} does not exist", "{0}이(가) 없음", {view.missing_place}));
    return judge.done();
  }
  switch (check.kind) {
    case CheckKind::netns:
      judge_netns(judge, view);
      break;
    case CheckKind::link:
      judge_link(judge, view);
      break;
    case CheckKind::address:
      judge_address(judge, view);
      break;
    case CheckKind::route:
      judge_route(judge, view);
      break;
    case CheckKind::neighbor:
      judge_neighbor(judge, view);
      break;
    case CheckKind::rule:
      judge_rule(judge, view);
      break;
    case CheckKind::policy:
      judge_policy(judge, view);
      break;
    case CheckKind::sysctl:
      judge_value(judge, view,
                  say("kernel parameter {0}", "커널 파라미터 {0}", {check.text("key")}));
      break;
    case CheckKind::process:
      judge_process(judge, view);
      break;
    case CheckKind::hostname:
      judge_value(judge, view, say("host name", "호스트 이름"));
      break;
    case CheckKind::conntrack:
      judge_conntrack(judge, view);
      break;
    case CheckKind::ping:
      judge_ping(judge, view);
      break;
    case CheckKind::http:
      judge_http(judge, view);
      break;
    case CheckKind::dns:
      judge_dns(judge, view);
      break;
    case CheckKind::object:
      judge_object(judge, view);
      break;
  }
  return judge.done();
}

}  // namespace hoplab::labs
