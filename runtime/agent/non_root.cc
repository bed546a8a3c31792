#include "runtime/agent/non_root.h"

#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

/// As strconv.ParseInt takes it: "0", "00" and "0101" are numbers.
bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

const Json& security_field(const PodRecord& pod, const Json& container, std::string_view field) {
  const Json& own = member(member(container, "securityContext"), field);
  if (!own.is_null()) return own;
  return member(member(member(pod.object, "spec"), "securityContext"), field);
}

bool must_not_be_root(const PodRecord& pod, const Json& container) {
  const Json& wanted = security_field(pod, container, "runAsNonRoot");
  return wanted.is_boolean() && wanted.get<bool>();
}

Result<void> verify_non_root(const PodRecord& pod, const Json& container,
                             std::string_view image_user) {
  if (!must_not_be_root(pod, container)) return {};
  const std::string where = str("(pod: \"", pod.name, "_", pod.namespace_name, "(", pod.uid,
                                ")\", container: ", string_or(container, "name"), ")");
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorCode::invalid, str(why, " ", where));
  };
  const Json& user = security_field(pod, container, "runAsUser");
  if (user.is_number_integer()) {
    if (user != 0) return {};
    return refuse("container's runAsUser breaks non-root policy");
  }
  const std::string_view name = image_user.substr(0, image_user.find(':'));
  if (name.empty() || (is_number(name) && name.find_first_not_of('0') == std::string_view::npos)) {
    return refuse("container has runAsNonRoot and image will run as root");
  }
  if (is_number(name)) return {};
  return refuse(str("container has runAsNonRoot and image has non-numeric user (", name,
                    "), cannot verify user is non-root"));
}

}  // namespace hoplab::agent
