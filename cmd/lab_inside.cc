// The verbs of `hoplab lab` that work on the kernel, inside the lesson's host.

#include <cstdlib>
#include <iostream>

#include "cmd/lab.h"
#include "cmd/options.h"
#include "cmd/sandbox_hosts.h"
#include "labs/session.h"
#include "runtime/base/text.h"
#include "runtime/plan/underlay.h"

namespace hoplab::cmd {

namespace {

using labs::Judgement;
using labs::Lesson;
using labs::Patience;
using labs::Step;
using labs::Verdict;

/// The lesson and the step in question.
struct Place {
  Course& course;
  const Lesson& lesson;
  int index;

  [[nodiscard]] bool over() const { return index >= static_cast<int>(lesson.steps.size()); }
  [[nodiscard]] const Step& step() const { return lesson.steps[static_cast<size_t>(index)]; }
};

/// Of a Kubernetes node nothing can be put back in place: agent, kube-proxy and calico-node would
/// work against it. `unavailable`, as for a cable that is gone.
Result<labs::HostBase> base_of_host(const std::string& host_name, bool fresh) {
  HOP_TRY(std::string text, read_file("/run/hoplab/cluster.json", 4U << 20U));
  HOP_TRY(Json json, parse_json(text));
  HOP_TRY(auto config, plan::parse_cluster_config(json, "cluster.json"));
  const plan::HostConfig* host = config.find_host(host_name);
  if (host == nullptr) return Error(ErrorCode::not_found, "there is no host " + host_name);
  if (host->is_node() && !fresh) {
    return Error(ErrorCode::unavailable,
                 host_name + " is a Kubernetes node; going back means a new cluster");
  }
  labs::HostBase base;
  base.name = host_name;
  base.as_it_is = host->is_node();
  base.daemons = {"dockerd"};  // It remembers docker0 and its rules.
  for (const auto& interface : host->interfaces) base.links.insert(interface.name);
  for (auto& each : plan::plan_host_underlay(config, *host, underlay_facts())) {
    const bool makes_link = std::holds_alternative<LinkAdd>(each.action) ||
                            std::holds_alternative<VethAdd>(each.action);
    if (each.netns == host_name && !makes_link) base.operations.push_back(std::move(each));
  }
  return base;
}

void print(const Verdict& verdict, const labs::Say& say) {
  if (verdict.passed) {
    std::cout << "  ok  " << verdict.looked_at << ": " << verdict.found << "\n";
    return;
  }
  std::cout << "  NO  " << verdict.looked_at << "\n"
            << say("      found:    ", "      지금:   ") << verdict.found << "\n"
            << say("      expected: ", "      기대:   ") << verdict.expected << "\n"
            << say("      look:     ", "      확인:   ") << verdict.read << "\n";
}

/// Notes the step as done (or skipped) and shows the next one.
Result<void> go_on(Place place, const Judgement& judgement) {
  Course& course = place.course;
  const labs::Say& say = course.say;
  if (judgement.skipped.empty()) {
    course.progress.done[place.lesson.id].insert(place.step().id);
    std::cout << say("step {0} is done\n\n", "{0}단계 완료\n\n", {std::to_string(place.index + 1)})
              << show_after(course, place.lesson, place.index);
  } else {
    std::cout << say("step {0} is skipped here, because {1}\n\n",
                     "{0}단계는 여기서 건너뜁니다. 이유: {1}\n\n",
                     {std::to_string(place.index + 1), judgement.skipped});
  }
  course.progress.step = place.index + 1;
  HOP_CHECK(course.keep());
  std::cout << show_step(course, place.lesson, place.index + 1);
  return {};
}

/// Why the step may not come true however often it is tried: something earlier is not there.
Result<void> tell_gone(Place place) {
  const labs::Say& say = place.course.say;
  HOP_TRY(auto gone, labs::what_is_gone(place.lesson, place.index, say));
  if (gone.empty()) return {};
  std::cout << say("from earlier steps this is gone:\n", "앞 단계에서 만든 것이 사라졌습니다:\n");
  for (const Verdict& each : gone) {
    std::cout << "  !   " << each.looked_at << ": " << each.found << "\n";
  }
  std::cout << say("`reset` brings it back, in a second\n",
                   "`reset`을 입력하면 1초 안에 되살립니다\n");
  return {};
}

Result<int> check_step(Place place, Patience patience) {
  const labs::Say& say = place.course.say;
  if (place.over()) {
    std::cout << show_step(place.course, place.lesson, place.index);
    return exit_ok;
  }
  HOP_TRY(Judgement judgement, labs::judge(place.step(), patience, say));
  for (const Verdict& each : judgement.verdicts) print(each, say);
  if (judgement.passed()) {
    HOP_CHECK(go_on(place, judgement));
    return exit_ok;
  }
  std::cout << say("step {0} is not done yet; help: hint\n",
                   "{0}단계가 아직 끝나지 않았습니다. 도움: hint\n",
                   {std::to_string(place.index + 1)});
  HOP_CHECK(tell_gone(place));
  return exit_failure;
}

Result<void> do_step(Place place) {
  for (const auto& item : place.step().commands) {
    std::cout << "$ " << item.command << "\n" << std::flush;
    HOP_TRY(int code, labs::run_command(item.command, [](std::string_view text) {
              std::cout << text << std::flush;
            }));
    if (code != 0 && !item.look) {
      std::cout << place.course.say("(this command failed: exit code {0})\n",
                                    "(이 명령은 실패했습니다. 종료 코드 {0})\n",
                                    {std::to_string(code)});
    }
  }
  return {};
}

Result<int> next_step(Place place) {
  if (place.over()) return check_step(place, Patience::once);
  const labs::Say& say = place.course.say;
  HOP_TRY(Judgement before, labs::judge(place.step(), Patience::once, say));
  if (before.passed()) {
    HOP_CHECK(go_on(place, before));
    return exit_ok;
  }
  HOP_CHECK(do_step(place));
  return check_step(place, Patience::wait);
}

Result<int> rebuild(Place place, bool fresh) {
  const labs::Say& say = place.course.say;
  HOP_TRY(labs::HostBase base, base_of_host(place.lesson.host, fresh));
  HOP_CHECK(labs::rebuild(place.lesson, place.index, base, say));
  place.course.progress.step = place.index;
  HOP_CHECK(place.course.keep());
  std::cout << show_step(place.course, place.lesson, place.index);
  return exit_ok;
}

Result<int> run(const LabRequest& request, Course& course) {
  HOP_TRY(const Lesson* lesson, course.current());
  const char* host = std::getenv("HOPLAB_HOST");
  if (host == nullptr || lesson->host != host) {
    return Error(ErrorCode::invalid, str("lesson ", lesson->id, " happens on host ", lesson->host,
                                         "\n  go there: exit, then hoplab shell ", lesson->host));
  }
  Place place{course, *lesson, course.progress.step};
  if (request.verb == "check") {
    return check_step(place, request.once ? Patience::once : Patience::wait);
  }
  if (request.verb == "next") return next_step(place);
  if (request.verb == "do") {
    if (!place.over()) HOP_CHECK(do_step(place));
    return exit_ok;
  }
  if (request.verb == "goto") place.index = lesson->find_step(request.args.front());
  if (place.index < 0) {
    return Error(ErrorCode::not_found,
                 str("lesson ", lesson->id, " has no step \"", request.args.front(), '"'));
  }
  return rebuild(place, request.fresh);
}

}  // namespace

int run_lab_inside(const LabRequest& request) {
  auto course = open_course(request);
  if (!course) return fail(course.error());
  auto code = run(request, *course);
  if (code) return *code;
  const bool needs_new_start = code.error().code() == ErrorCode::unavailable;
  if (needs_new_start && request.from_outside) return exit_needs_new_start;
  fail(code.error());
  if (needs_new_start) {
    std::cerr << course->say(
        "  that cannot be done from inside: leave the shell (exit) and type: hoplab lab {0}\n",
        "  안에서는 할 수 없는 일입니다. 셸을 나가서(exit) 입력하세요: hoplab lab {0}\n",
        {request.verb == "goto" ? "goto " + request.args.front() : request.verb});
  }
  return exit_failure;
}

}  // namespace hoplab::cmd
