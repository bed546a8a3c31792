#include <algorithm>

#include "labs/judge.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

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

}  // namespace hoplab::labs
