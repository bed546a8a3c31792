#include "runtime/proc/container_user.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The largest means "leave as it is" to the kernel.
  if (failed != std::errc() || end != text.data() + text.size() || value == UINT32_MAX) {
    return std::nullopt;
  }
  return value;
}

struct PasswdEntry {
  std::string_view name;
  uint32_t user;
  uint32_t group;
  std::string_view home;
};

/// root:x:0:0:root:/root:/bin/sh
std::optional<PasswdEntry> passwd_entry(std::string_view line) {
  auto fields = split(line, ':');
  if (fields.size() < 6) return std::nullopt;
  auto user = number_of(fields[2]);
  auto group = number_of(fields[3]);
  if (!user || !group) return std::nullopt;
  return PasswdEntry{fields[0], *user, *group, fields[5]};
}

std::optional<PasswdEntry> find_passwd(std::string_view passwd, std::string_view wanted) {
  auto number = number_of(wanted);
  for (std::string_view line : split(passwd, '\n')) {
    auto entry = passwd_entry(line);
    // A number is a number: a line that has it for a name would make it somebody else's.
    if (entry && (number ? entry->user == *number : entry->name == wanted)) return entry;
  }
  return std::nullopt;
}

/// www-data:x:33:alice,bob
std::optional<uint32_t> find_group(std::string_view group, std::string_view wanted) {
  for (std::string_view line : split(group, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 3 || fields[0] != wanted) continue;
    if (auto number = number_of(fields[2])) return number;
  }
  return number_of(wanted);
}

std::vector<uint32_t> groups_with(std::string_view group, std::string_view user) {
  std::vector<uint32_t> out;
  for (std::string_view line : split(group, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 4) continue;
    auto members = split(fields[3], ',');
    auto number = number_of(fields[2]);
    if (number && std::find(members.begin(), members.end(), user) != members.end()) {
      out.push_back(*number);
    }
  }
  return out;
}

}  // namespace

Result<ContainerUser> resolve_user(std::string_view spec, std::string_view passwd,
                                   std::string_view group) {
  std::string_view user = spec.substr(0, spec.find(':'));
  std::string_view group_name = user.size() < spec.size() ? spec.substr(user.size() + 1) : "";
  if (user.empty()) user = "0";
  ContainerUser out;
  auto entry = find_passwd(passwd, user);
  if (entry) {
    out.user = entry->user;
    out.group = entry->group;
    if (!entry->home.empty()) out.home = entry->home;
  } else if (auto number = number_of(user)) {
    out.user = *number;
  } else {
    return Error(ErrorCode::invalid,
                 str("unable to find user ", user, ": no matching entries in passwd file"));
  }
  if (!group_name.empty()) {
    auto number = find_group(group, group_name);
    if (!number) {
      return Error(ErrorCode::invalid,
                   str("unable to find group ", group_name, ": no matching entries in group file"));
    }
    out.group = *number;
  } else if (entry) {
    out.supplemental_groups = groups_with(group, entry->name);
  }
  return out;
}

Result<ContainerUser> choose_user(const UserWish& wish, std::string_view passwd,
                                  std::string_view group) {
  if (!wish.run_as_user && !wish.run_as_group) return resolve_user(wish.image_user, passwd, group);
  std::string user = wish.run_as_user ? std::to_string(*wish.run_as_user)
                                      : wish.image_user.substr(0, wish.image_user.find(':'));
  HOP_TRY(ContainerUser out, resolve_user(user, passwd, group));
  if (wish.run_as_group) out.group = *wish.run_as_group;
  return out;
}

}  // namespace hoplab::proc
