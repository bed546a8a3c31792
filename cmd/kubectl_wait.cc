#include "cmd/kubectl_wait.h"

#include <array>
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
    field_selector_flag,
    FlagSpec{"all", 0, FlagKind::boolean, "", "All objects of the given kinds."},
    FlagSpec{"for", 0, FlagKind::value, "", "delete, or condition=NAME[=VALUE]"},
    FlagSpec{"timeout", 0, FlagKind::duration, "30s", "How long to wait; negative = a week."},
};

Millis time_left(SteadyTime end) {
  auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
  return std::max(left, Millis(0));
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
    if (!text.starts_with("condition=")) {
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
  Millis timeout = session.flags.duration("timeout");
  if (timeout < Millis(0)) timeout = longest_wait;
  HOP_TRY(auto targets, choose_targets(session, session.flags.args()));
  std::vector<Error> errors;
  auto found = read_targets(session, targets, errors);
  if (condition.deletion) {
    std::erase_if(errors, [](const Error& error) { return error.code() == ErrorCode::not_found; });
  }
  // As kubectl: the first object that fails ends it.
  if (!errors.empty()) return std::move(errors[0]);
  if (found.empty()) return local_error("no matching resources found");
  for (const Found& one : found) HOP_CHECK(wait_for(session, one, condition, timeout));
  return exit_ok;
}

}  // namespace

bool is_timeout(const Error& error) {
  return error.code() == ErrorCode::timed_out;
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
  return Error(ErrorCode::timed_out,
               str("timed out waiting for the condition on ", kind_->plural, "/", name_));
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
