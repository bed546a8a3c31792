#include <algorithm>
#include <vector>

#include "runtime/base/text.h"
#include "store/api/patch.h"
#include "store/api/schema_table.h"

/// Strategic merge patch after k8s.io/apimachinery/pkg/util/strategicpatch: maps merge, lists merge
/// by the schema's key, directives ($patch, $setElementOrder/…, …) steer it.
namespace hoplab::api {

namespace {

constexpr std::string_view order_directive = "$setElementOrder/";
constexpr std::string_view delete_directive = "$deleteFromPrimitiveList/";

Error bad_patch(std::string_view what) {
  return Error(ErrorCode::bad_request, str("strategic merge patch: ", what));
}

/// The field of a table; null below maps and unknown fields, where everything merges plainly.
const Field* field_of(const TypeTable* table, std::string_view name) {
  return table == nullptr ? nullptr : table->find(name);
}

/// How the members of one list are told apart: by a key field, or as they are.
class Identity {
 public:
  explicit Identity(std::string_view key) : key_(key) {}

  [[nodiscard]] bool same(const Json& a, const Json& b) const {
    return key_.empty() ? a == b : !member(a, key_).is_null() && member(a, key_) == member(b, key_);
  }
  [[nodiscard]] size_t find(const Json& list, const Json& item) const {
    size_t i = 0;
    while (i < list.size() && !same(list[i], item)) ++i;
    return i;
  }
  [[nodiscard]] bool in(const Json& list, const Json& item) const {
    return find(list, item) < list.size();
  }
  [[nodiscard]] bool keyed(const Json& item) const {
    return key_.empty() || !member(item, key_).is_null();
  }
  [[nodiscard]] std::string_view key() const { return key_; }

 private:
  std::string_view key_;
};

/// Sorts `list` so that what `wanted` lists comes in its order, and what only the server has keeps
/// its place relative to `server` (the list before the patch) as well as that allows.
Json put_in_order(const Json& list, const Json& wanted, const Json& server, const Identity& id) {
  Json from_patch = Json::array();
  Json only_server = Json::array();
  for (const Json& item : list) (id.in(wanted, item) ? from_patch : only_server).push_back(item);
  auto sort_by = [&id](Json& items, const Json& order) {
    std::stable_sort(items.begin(), items.end(), [&](const Json& a, const Json& b) {
      return id.find(order, a) < id.find(order, b);
    });
  };
  sort_by(from_patch, wanted);
  sort_by(only_server, server);
  Json out = Json::array();
  size_t left = 0;
  size_t right = 0;
  while (left < only_server.size() && right < from_patch.size()) {
    size_t a = id.find(server, only_server[left]);
    size_t b = id.find(server, from_patch[right]);
    bool server_first = a < server.size() && b < server.size() && a < b;
    out.push_back(server_first ? only_server[left++] : from_patch[right++]);
  }
  while (left < only_server.size()) out.push_back(only_server[left++]);
  while (right < from_patch.size()) out.push_back(from_patch[right++]);
  return out;
}

Result<Json> merge_object(Json original, const Json& patch, const TypeTable* table);

/// A patch's value put where nothing was: the directives in it have nothing to act on.
Result<Json> without_directives(const Json& value, const TypeTable* table) {
  return merge_object(Json::object(), value, table);
}

/// What list items of the patch carry `$patch`.
struct ListDirectives {
  Json deleted = Json::array();  ///< Items to remove, by key.
  Json items = Json::array();    ///< The ordinary ones.
  bool replace = false;
};

Result<ListDirectives> read_directives(const Json& patch, const Identity& id) {
  ListDirectives out;
  for (const Json& item : patch) {
    const Json& directive = member(item, "$patch");
    if (directive == "replace") {
      out.replace = true;
      continue;
    }
    if (!item.is_object() || !(id.keyed(item))) {
      return bad_patch(
          str("list item ", dump_json(item), " does not contain declared merge key: ", id.key()));
    }
    if (directive == "delete") {
      out.deleted.push_back(item);
    } else if (directive.is_null() || directive == "merge") {
      out.items.push_back(item);
    } else {
      return bad_patch(str("unknown $patch directive ", dump_json(directive)));
    }
  }
  return out;
}

Result<Json> merge_by_key(const Json& original, const Json& patch, const Field& field) {
  Identity id(field.merge_key);
  HOP_TRY(auto directives, read_directives(patch, id));
  Json out = Json::array();
  if (directives.replace) {
    for (const Json& item : directives.items) {
      HOP_TRY(Json whole, without_directives(item, field.object));
      out.push_back(std::move(whole));
    }
    return out;
  }
  for (const Json& item : original) {
    if (!id.in(directives.deleted, item)) out.push_back(item);
  }
  for (const Json& item : directives.items) {
    size_t at = id.find(out, item);
    if (at == out.size()) out.push_back(Json::object());
    HOP_TRY(out[at], merge_object(std::move(out[at]), item, field.object));
  }
  return put_in_order(out, directives.items, original, id);
}

Json merge_as_set(const Json& original, const Json& patch) {
  Json out = Json::array();
  Identity id{std::string_view()};
  for (const Json* list : {&original, &patch}) {
    for (const Json& item : *list) {
      if (!id.in(out, item)) out.push_back(item);
    }
  }
  return put_in_order(out, patch, original, id);
}

/// `original` may be null: nothing was there.
Result<Json> merge_value(Json original, const Json& patch, const Field* field,
                         const TypeTable* table) {
  if (patch.is_object()) {
    return merge_object(original.is_object() ? std::move(original) : Json::object(), patch, table);
  }
  if (!patch.is_array() || field == nullptr || field->shape != Shape::list) return patch;
  if (!original.is_array()) original = Json::array();
  if (field->merge == ListMerge::by_key) return merge_by_key(original, patch, *field);
  if (field->merge == ListMerge::set) return merge_as_set(original, patch);
  return patch;
}

/// $retainKeys: what the patch does not list goes. Fails when the patch sets what it does not keep.
Result<void> retain_keys(Json& original, const Json& patch) {
  const Json& keys = member(patch, "$retainKeys");
  if (keys.is_null()) return {};
  if (!keys.is_array()) return bad_patch("$retainKeys must be a list");
  Identity id{std::string_view()};
  for (auto it = patch.begin(); it != patch.end(); ++it) {
    if (!it.key().starts_with('$') && !it->is_null() && !id.in(keys, it.key())) {
      return bad_patch(str("field ", it.key(), " is not in the patch's $retainKeys"));
    }
  }
  for (auto it = original.begin(); it != original.end();) {
    it = id.in(keys, it.key()) ? std::next(it) : original.erase(it);
  }
  return {};
}

void delete_from_list(Json& original, const std::string& name, const Json& values) {
  auto found = original.find(name);
  if (found == original.end() || !found->is_array() || !values.is_array()) return;
  Identity id{std::string_view()};
  Json kept = Json::array();
  for (const Json& item : *found) {
    if (!id.in(values, item)) kept.push_back(item);
  }
  *found = std::move(kept);
}

/// $setElementOrder/ports: the order of the list after the merge.
Result<void> set_order(Json& merged, const Json& before, const std::string& name,
                       const Json& wanted, const Field* field) {
  if (!wanted.is_array()) return bad_patch(str("$setElementOrder/", name, " must be a list"));
  auto found = merged.find(name);
  if (found == merged.end() || !found->is_array()) return {};
  bool by_key = field != nullptr && field->merge == ListMerge::by_key;
  const Json& server = member(before, name);
  *found = put_in_order(*found, wanted, server.is_array() ? server : Json::array(),
                        Identity(by_key ? field->merge_key : std::string_view()));
  return {};
}

Result<Json> merge_fields(Json original, const Json& patch, const TypeTable* table) {
  HOP_CHECK(retain_keys(original, patch));
  Json before = original;
  for (auto it = patch.begin(); it != patch.end(); ++it) {
    if (it.key().starts_with(delete_directive)) {
      delete_from_list(original, it.key().substr(delete_directive.size()), *it);
    }
  }
  for (auto it = patch.begin(); it != patch.end(); ++it) {
    if (it.key().starts_with('$')) continue;
    if (it->is_null()) {
      original.erase(it.key());
      continue;
    }
    const Field* field = field_of(table, it.key());
    const TypeTable* inner =
        field != nullptr && field->shape == Shape::single ? field->object : nullptr;
    auto found = original.find(it.key());
    Json old = found == original.end() ? Json() : std::move(*found);
    HOP_TRY(original[it.key()], merge_value(std::move(old), *it, field, inner));
  }
  for (auto it = patch.begin(); it != patch.end(); ++it) {
    if (!it.key().starts_with(order_directive)) continue;
    std::string name = it.key().substr(order_directive.size());
    HOP_CHECK(set_order(original, before, name, *it, field_of(table, name)));
  }
  return original;
}

Result<Json> merge_object(Json original, const Json& patch, const TypeTable* table) {
  const Json& directive = member(patch, "$patch");
  if (directive.is_null() || directive == "merge") {
    return merge_fields(std::move(original), patch, table);
  }
  if (directive == "delete") return Json::object();
  if (directive == "replace") return merge_fields(Json::object(), patch, table);
  return bad_patch(str("unknown $patch directive ", dump_json(directive)));
}

}  // namespace

Result<Json> strategic_merge(const Kind& kind, const Json& original, const Json& patch) {
  if (!patch.is_object() || !original.is_object()) {
    return bad_patch("the patch and the object must be JSON objects");
  }
  return merge_object(original, patch, &table_of(kind));
}

}  // namespace hoplab::api
