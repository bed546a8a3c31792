#include "cmd/kubectl_wait.h"

#include <array>
#include <charconv>
#include <iostream>

#include "cmd/kubectl_delete.h"
#include "cmd/kubectl_files.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array wait_flags{
    filename_flag,
    recursive_flag,
    selector_flag,
    all_namespaces_flag,
    FlagSpec{"field-selector", 0, FlagKind::value, "", "Field query, e.g. spec.nodeName=k8s-w1"},
    FlagSpec{"all", 0, FlagKind::boolean, "", "All objects of the given kinds."},
    FlagSpec{"for", 0, FlagKind::value, "", "delete, or condition=NAME[=VALUE]"},
    FlagSpec{"timeout", 0, FlagKind::value, "30s", "How long to wait; negative = a week."},
};

Millis time_left(SteadyTime end) {
  auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
  return std::max(left, Millis(0));
}

/// "30s", "1m30s", "1.5h": Go's durations.
std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double total = 0;
  bool any = false;
  while (!text.empty()) {
    double number = 0;
    auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(stopped - text.data()));
    auto unit = text.substr(0, text.find_first_of("0123456789."));
    double scale = unit == "ms"  ? 1
                   : unit == "s" ? 1e3
                   : unit == "m" ? 6e4
                   : unit == "h" ? 3.6e6
                                 : 0;
    if (scale == 0) return std::nullopt;
    total += number * scale;
    text.remove_prefix(unit.size());
    any = true;
  }
  if (!any || total > 1e12) return std::nullopt;
  return Millis(static_cast<int64_t>(negative ? -total : total));
}

bool has_condition(const Json& object, std::string_view name, std::string_view wanted) {
  const Json& conditions = at_path(object, "status.conditions");
  for (size_t i = 0; conditions.is_array() && i < conditions.size(); ++i) {
    if (to_lower(string_or(conditions[i], "type")) == to_lower(name)) {
      return to_lower(string_or(conditions[i], "status")) == to_lower(wanted);
    }
  }
  return false;
}

struct Condition {
  bool deletion = false;
  std::string name;
  std::string value = "True";

  static Result<Condition> parse(const std::string& text) {
    Condition out;
    if (to_lower(text) == "delete") {
      out.deletion = true;
      return out;
    }
    if (!text.starts_with("condition=") || text.size() == 10) {
      return local_error("unrecognized condition: \"" + text + "\"");
    }
    out.name = text.substr(10);
    if (auto equals = out.name.find('='); equals != std::string::npos) {
      out.value = out.name.substr(equals + 1);
      out.name.resize(equals);
    }
    return out;
  }
};

Result<void> wait_for(Session& session, const Found& found, const Condition& condition,
                      Millis timeout) {
  const std::string name = api::name_of(found.object);
  const std::string space = namespace_of(session, found);
  if (condition.deletion) {
    HOP_CHECK(
        wait_until_gone(session, {found.kind, space, name, api::uid_of(found.object)}, timeout));
  } else {
    auto done = [&](const Json* object) -> Result<bool> {
      if (object == nullptr) {
        return Error(ErrorCode::not_found,
                     str(found.kind->qualified_resource(), " \"", name, "\" not found"));
      }
      return has_condition(*object, condition.name, condition.value);
    };
    HOP_CHECK(ObjectWait(session, found.kind, space, name).until(done, timeout));
  }
  std::cout << object_name(*found.kind, name) << " condition met" << std::endl;
  return {};
}

Result<int> run_wait(Session& session) {
  HOP_TRY(Condition condition, Condition::parse(session.flags.get("for")));
  HOP_TRY(Millis timeout, duration_flag(session, "timeout"));
  if (timeout < Millis(0)) timeout = longest_wait;
  std::vector<Target> targets;
  if (session.flags.given("filename")) {
    HOP_TRY(targets, targets_of_files(session));
  } else {
    HOP_TRY(targets, parse_targets(session.flags.args()));
  }
  if (targets.empty()) {
    return local_error("You must provide one or more resources by argument or filename.");
  }
  if (targets[0].name.empty() && !session.flags.on("all") && !session.flags.given("selector") &&
      !session.flags.given("field-selector")) {
    return local_error(
        "resource(s) were provided, but no name, label selector, or --all flag "
        "specified");
  }
  bool failed = false;
  auto found = read_targets(session, targets, failed);
  if (found.empty() && !failed) return local_error("no matching resources found");
  const SteadyTime end = std::chrono::steady_clock::now() + timeout;
  for (const Found& one : found) {
    auto waited = wait_for(session, one, condition, time_left(end));
    if (!waited) failed = print_error(session, waited.error()) != exit_ok;
  }
  return failed ? exit_failure : exit_ok;
}

}  // namespace

Result<Millis> duration_flag(const Session& session, std::string_view flag) {
  const std::string text = session.flags.get(flag);
  if (auto duration = parse_duration(text)) return *duration;
  return local_error(str("invalid argument \"", text, "\" for \"--", flag,
                         "\" flag: time: invalid duration \"", text, "\""));
}

Result<bool> ObjectWait::follow(const std::function<Result<bool>(const Json* object)>& done,
                                SteadyTime end) {
  Selection selection;
  selection.namespace_name = namespace_name_;
  selection.field_selector = "metadata.name=" + name_;
  HOP_TRY(ObjectList list, session_.client->list(*kind_, selection));
  HOP_TRY(bool at_once, done(list.items.empty() ? nullptr : &list.items[0]));
  if (at_once) return true;
  HOP_TRY(auto watch, session_.client->watch(*kind_, selection, list.revision));
  while (time_left(end) > Millis(0)) {
    HOP_TRY(auto event, watch->next(time_left(end)));
    if (!event || event->type == EventType::bookmark) continue;
    HOP_TRY(bool now, done(event->type == EventType::deleted ? nullptr : &event->object));
    if (now) return true;
  }
  return false;
}

Result<void> ObjectWait::until(const std::function<Result<bool>(const Json* object)>& done,
                               Millis timeout) {
  const SteadyTime end = std::chrono::steady_clock::now() + timeout;
  do {
    auto ended = follow(done, end);
    if (ended && *ended) return {};
    const bool lost = !ended && (ended.error().code() == ErrorCode::unavailable ||
                                 ended.error().code() == ErrorCode::too_old);
    if (!ended && (!lost || ended.error().sys_errno() != 0)) return std::move(ended).error();
  } while (time_left(end) > Millis(0));
  return local_error(str("timed out waiting for the condition on ", kind_->plural, "/", name_));
}

extern const Verb wait_verb;
const Verb wait_verb{
    "wait",
    "wait --for=(condition=NAME | delete) (-f FILE | TYPE/NAME… | TYPE --all) [flags]",
    "Wait until objects meet a condition or are gone",
    "  kubectl wait --for=condition=Ready pod/web --timeout=60s\n"
    "  kubectl wait --for=condition=available deploy --all\n"
    "  kubectl wait --for=delete pod/web\n",
    wait_flags,
    run_wait};

}  // namespace hoplab::cmd::kubectl
