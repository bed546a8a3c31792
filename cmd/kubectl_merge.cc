#include "cmd/kubectl_merge.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/schema_table.h"

namespace hoplab::cmd::kubectl {

namespace {

using api::Field;
using api::ListMerge;
using api::TypeTable;

/// Which half of the three-way difference is wanted.
enum class Want { additions, deletions };

const Field* field_of(const TypeTable* table, const std::string& name) {
  return table == nullptr ? nullptr : table->find(name);
}

const TypeTable* inner_of(const Field* field) {
  return field != nullptr && field->shape == api::Shape::single ? field->object : nullptr;
}

const Json* find_item(const Json& list, std::string_view key, const Json& wanted) {
  auto it = std::find_if(list.begin(), list.end(), [&](const Json& item) {
    return key.empty() ? item == wanted : member(item, key) == wanted;
  });
  return it == list.end() ? nullptr : &*it;
}

/// Every item is an object with the merge key: otherwise the list can only be replaced.
bool all_keyed(const Json& list, std::string_view key) {
  return std::all_of(list.begin(), list.end(), [&](const Json& item) {
    return item.is_object() && !member(item, key).is_null();
  });
}

/// Whether both lists have the same items in the same order. As for kubectl, lists of different
/// lengths differ even where the manifest leaves the rest to the server.
bool same_order(const Json& before, const Json& after, std::string_view key) {
  if (before.size() != after.size()) return false;
  Json left = Json::array();
  Json right = Json::array();
  auto id = [&](const Json& item) -> const Json& { return member(item, key); };
  for (const Json& item : before) {
    if (find_item(after, key, id(item)) != nullptr) left.push_back(id(item));
  }
  for (const Json& item : after) {
    if (find_item(before, key, id(item)) != nullptr) right.push_back(id(item));
  }
  return left == right;
}

Json diff_objects(const Json& before, const Json& after, const TypeTable* table, Want want,
                  bool retain_keys);

/// `$setElementOrder` lists the keys of all items as the manifest has them.
Json order_of(const Json& list, std::string_view key) {
  if (key.empty()) return list;
  Json out = Json::array();
  for (const Json& item : list) out.push_back({{std::string(key), member(item, key)}});
  return out;
}

void diff_by_key(Json& patch, const std::string& name, const Field& field, const Json& before,
                 const Json& after, Want want) {
  const std::string key(field.merge_key);
  Json items = Json::array();
  for (const Json& item : after) {
    const Json& id = member(item, key);
    if (const Json* old = find_item(before, key, id)) {
      Json change = diff_objects(*old, item, field.object, want, field.retain_keys);
      if (change.empty()) continue;
      change[key] = id;
      items.push_back(std::move(change));
    } else if (want == Want::additions) {
      items.push_back(item);
    }
  }
  if (want == Want::deletions) {
    for (const Json& item : before) {
      if (find_item(after, key, member(item, key)) == nullptr) {
        items.push_back({{"$patch", "delete"}, {key, member(item, key)}});
      }
    }
  }
  const bool moved = want == Want::additions && !same_order(before, after, key);
  if (!items.empty() || moved) patch["$setElementOrder/" + name] = order_of(after, key);
  if (!items.empty()) patch[name] = std::move(items);
}

void diff_set(Json& patch, const std::string& name, const Json& before, const Json& after,
              Want want) {
  Json added = Json::array();
  Json deleted = Json::array();
  for (const Json& item : after) {
    if (find_item(before, {}, item) == nullptr) added.push_back(item);
  }
  for (const Json& item : before) {
    if (find_item(after, {}, item) == nullptr) deleted.push_back(item);
  }
  const Json& changed = want == Want::additions ? added : deleted;
  const bool moved = want == Want::additions && before != after;
  if (!changed.empty() || moved) patch["$setElementOrder/" + name] = after;
  if (changed.empty()) return;
  patch[want == Want::additions ? name : "$deleteFromPrimitiveList/" + name] = changed;
}

void diff_lists(Json& patch, const std::string& name, const Field* field, const Json& before,
                const Json& after, Want want) {
  const bool by_key = field != nullptr && field->merge == ListMerge::by_key &&
                      all_keyed(before, field->merge_key) && all_keyed(after, field->merge_key);
  if (by_key && !before.empty()) {
    diff_by_key(patch, name, *field, before, after, want);
  } else if (field != nullptr && field->merge == ListMerge::set && !before.empty()) {
    diff_set(patch, name, before, after, want);
  } else if (want == Want::additions && before != after) {
    patch[name] = after;
  }
}

/// `before` has a field that goes.
bool has_more(const Json& before, const Json& after) {
  for (auto it = before.begin(); it != before.end(); ++it) {
    if (!after.contains(it.key())) return true;
  }
  return false;
}

void diff_field(Json& patch, const std::string& name, const Field* field, const Json& before,
                const Json& after, Want want) {
  if (before.is_object() && after.is_object()) {
    Json change =
        diff_objects(before, after, inner_of(field), want, field != nullptr && field->retain_keys);
    if (!change.empty()) patch[name] = std::move(change);
  } else if (before.is_array() && after.is_array()) {
    diff_lists(patch, name, field, before, after, want);
  } else if (want == Want::additions && before != after) {
    patch[name] = after;
  }
}

Json diff_objects(const Json& before, const Json& after, const TypeTable* table, Want want,
                  bool retain_keys) {
  Json patch = Json::object();
  Json kept = Json::array();
  for (auto it = after.begin(); it != after.end(); ++it) {
    if (!it->is_null()) kept.push_back(it.key());
    auto old = before.find(it.key());
    if (old != before.end()) {
      diff_field(patch, it.key(), field_of(table, it.key()), *old, *it, want);
    } else if (want == Want::additions && !it->is_null()) {
      patch[it.key()] = *it;
    }
  }
  if (want == Want::deletions) {
    for (auto it = before.begin(); it != before.end(); ++it) {
      if (!after.contains(it.key())) patch[it.key()] = nullptr;
    }
  }
  if (retain_keys && !kept.empty() && (!patch.empty() || has_more(before, after))) {
    patch["$retainKeys"] = std::move(kept);
  }
  return patch;
}

/// Puts the additions into the deletions: both are patches of the same object.
void join_patches(Json& into, const Json& from, const TypeTable* table) {
  for (auto it = from.begin(); it != from.end(); ++it) {
    auto found = into.find(it.key());
    const Field* field = field_of(table, it.key());
    if (found != into.end() && found->is_object() && it->is_object()) {
      join_patches(*found, *it, inner_of(field));
      continue;
    }
    const bool lists = found != into.end() && found->is_array() && it->is_array();
    if (!lists || field == nullptr || field->merge != ListMerge::by_key) {
      into[it.key()] = *it;
      continue;
    }
    for (const Json& item : *it) {
      const Json& id = member(item, field->merge_key);
      auto same = std::find_if(found->begin(), found->end(), [&](const Json& other) {
        return member(other, field->merge_key) == id;
      });
      if (same == found->end()) {
        found->push_back(item);
      } else {
        join_patches(*same, item, field->object);
      }
    }
  }
}

}  // namespace

Json three_way_patch(const api::Kind* kind, const Json& original, const Json& modified,
                     const Json& current) {
  const TypeTable* table = kind == nullptr ? nullptr : &api::table_of(*kind);
  Json patch = diff_objects(original, modified, table, Want::deletions, false);
  join_patches(patch, diff_objects(current, modified, table, Want::additions, false), table);
  return patch;
}

Json with_last_applied(Json manifest) {
  Json& metadata = manifest["metadata"];
  if (!metadata["annotations"].is_object()) metadata["annotations"] = Json::object();
  metadata["annotations"].erase(last_applied_key);
  std::string text = dump_json(manifest) + "\n";
  metadata["annotations"][last_applied_key] = std::move(text);
  return manifest;
}

Json last_applied(const Json& object) {
  auto parsed = parse_json(string_or(at_path(object, "metadata.annotations"), last_applied_key));
  return parsed && parsed->is_object() ? *std::move(parsed) : Json::object();
}

}  // namespace hoplab::cmd::kubectl
