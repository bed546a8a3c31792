#pragma once

#include <string>
#include <vector>

#include "labs/evaluate.h"

/// The parts of evaluate(), one function for each kind of check. Internal to evaluate*.cc.
namespace hoplab::labs {

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

/// The names with commas, or "nothing".
std::string list_of(const std::vector<std::string>& names, const Say& say);

void judge_netns(Judge& judge, const View& view);
void judge_link(Judge& judge, const View& view);
void judge_address(Judge& judge, const View& view);
void judge_route(Judge& judge, const View& view);
void judge_neighbor(Judge& judge, const View& view);
void judge_rule(Judge& judge, const View& view);
void judge_policy(Judge& judge, const View& view);
void judge_process(Judge& judge, const View& view);
void judge_conntrack(Judge& judge, const View& view);
void judge_ping(Judge& judge, const View& view);
void judge_http(Judge& judge, const View& view);
void judge_dns(Judge& judge, const View& view);
void judge_object(Judge& judge, const View& view);
/// Of a sysctl or a host name: `what` is looked at.
void judge_value(Judge& judge, const View& view, const std::string& what);

}  // namespace hoplab::labs
