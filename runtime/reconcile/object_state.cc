#include "runtime/reconcile/object_state.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"
#include "runtime/reconcile/claim.h"
#include "store/api/kind.h"
#include "store/api/selector.h"

namespace hoplab::reconcile {
namespace {

const Json* find_condition(const Json& conditions, std::string_view type) {
  for (const Json& row : list_or_empty(conditions)) {
    if (string_or(row, "type") == type) return &row;
  }
  return nullptr;
}

const Json& conditions_of(const Json& object) {
  return at_path(object, "status.conditions");
}

}  // namespace

std::vector<Owner> owners_of(const Json& object) {
  std::vector<Owner> owners;
  for (const Json& row : list_or_empty(at_path(object, "metadata.ownerReferences"))) {
    owners.push_back({.api_version = string_or(row, "apiVersion"),
                      .kind = string_or(row, "kind"),
                      .name = string_or(row, "name"),
                      .uid = string_or(row, "uid"),
                      .controller = bool_or(row, "controller"),
                      .blocks = bool_or(row, "blockOwnerDeletion")});
  }
  return owners;
}

std::optional<Owner> controller_of(const Json& object) {
  for (Owner& owner : owners_of(object)) {
    if (owner.controller) return std::move(owner);
  }
  return std::nullopt;
}

Json controller_reference(const Json& owner) {
  return {{"apiVersion", string_or(owner, "apiVersion")},
          {"kind", string_or(owner, "kind")},
          {"name", api::name_of(owner)},
          {"uid", api::uid_of(owner)},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

bool is_deleting(const Json& object) {
  return !string_or(member(object, "metadata"), "deletionTimestamp").empty();
}

const Json& labels_of(const Json& object) {
  return member(member(object, "metadata"), "labels");
}

bool selects(const Json& selector, const Json& labels) {
  const auto parsed = api::LabelSelector::from_json(selector);
  return parsed.ok() && !parsed->empty() && parsed->matches(labels);
}

std::string condition_status(const Json& object, std::string_view type) {
  const Json* found = find_condition(conditions_of(object), type);
  return found != nullptr ? string_or(*found, "status") : "";
}

bool set_condition(Json& conditions, std::string_view type, std::string_view status,
                   std::string_view reason, std::string_view message, const std::string& now) {
  if (!conditions.is_array()) conditions = Json::array();
  Json wanted = {{"type", type}, {"status", status}, {"lastTransitionTime", now}};
  if (!reason.empty()) wanted["reason"] = reason;
  if (!message.empty()) wanted["message"] = message;
  for (Json& row : conditions) {
    if (string_or(row, "type") != type) continue;
    if (string_or(row, "status") == status) {
      if (row.contains("lastTransitionTime")) {
        wanted["lastTransitionTime"] = row["lastTransitionTime"];
      }
      if (string_or(row, "reason") == reason && string_or(row, "message") == message) return false;
    }
    row = std::move(wanted);
    return true;
  }
  conditions.push_back(std::move(wanted));
  return true;
}

bool pod_is_ready(const Json& pod) {
  return condition_status(pod, "Ready") == "True";
}

bool pod_is_finished(const Json& pod) {
  const std::string phase = string_or(member(pod, "status"), "phase");
  return phase == "Succeeded" || phase == "Failed";
}

bool pod_is_active(const Json& pod) {
  return !pod_is_finished(pod) && !is_deleting(pod);
}

bool pod_is_available(const Json& pod, int64_t min_ready_seconds, WallTime now,
                      std::optional<Millis>* wait) {
  if (!pod_is_ready(pod)) return false;
  if (min_ready_seconds <= 0) return true;
  const Json* ready = find_condition(conditions_of(pod), "Ready");
  const auto since = parse_rfc3339(string_or(*ready, "lastTransitionTime"));
  if (!since.ok()) return false;
  const auto left = std::chrono::ceil<Millis>(*since + bounded_seconds(min_ready_seconds) - now);
  if (left <= Millis(0)) return true;
  if (wait != nullptr && (!*wait || left < **wait)) *wait = left;
  return false;
}

std::string node_name_of(const Json& pod) {
  return string_or(member(pod, "spec"), "nodeName");
}

bool node_is_ready(const Json& node) {
  return condition_status(node, "Ready") == "True";
}

std::string template_hash(const Json& pod_template) {
  constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  uint32_t hash = 2166136261U;
  for (const char c : dump_json(pod_template)) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  }
  std::string text = std::to_string(hash);
  for (char& c : text) c = alphabet[static_cast<uint8_t>(c) % alphabet.size()];
  return text;
}

int64_t int_or_percent(const Json& value, int64_t total, bool round_up, int64_t fallback) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_string()) return fallback;
  const auto& text = value.get_ref<const std::string&>();
  int64_t percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || std::string_view(end) != "%") return fallback;
  return (percent * total + (round_up ? 99 : 0)) / 100;
}

}  // namespace hoplab::reconcile
