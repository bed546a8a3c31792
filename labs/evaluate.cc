#include "labs/evaluate.h"

#include <algorithm>

#include "labs/judge.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

std::string list_of(const std::vector<std::string>& names, const Say& say) {
  return names.empty() ? say("nothing", "아무것도 없음") : join(names, ", ");
}

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
