#include "runtime/plan/ipam_objects.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

constexpr std::string_view api_version = "crd.projectcalico.org/v1";
constexpr std::string_view host_prefix = "host:";

Error bad_field(const Json& object, std::string_view field, std::string_view what) {
  return Error(ErrorCode::invalid,
               str(string_or(object, "kind", "object"), " ",
                   string_or(member(object, "metadata"), "name"), ": spec.", field, ": ", what));
}

Json envelope(std::string_view kind, const std::string& name, const Json& metadata) {
  Json object = {{"apiVersion", api_version}, {"kind", kind}};
  object["metadata"] = metadata.is_object() ? metadata : Json::object();
  object["metadata"]["name"] = name;
  return object;
}

Result<Prefix> read_cidr(const Json& object) {
  auto cidr = Prefix::parse(string_or(member(object, "spec"), "cidr"));
  if (!cidr) return bad_field(object, "cidr", cidr.error().message());
  return cidr->masked();
}

std::string dashed(const Prefix& cidr) {
  std::string text = to_string(cidr.masked());
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == '/'; }, '-');
  return text;
}

Result<void> read_attributes(const Json& object, AddressBlock& block) {
  const Json& list = at_path(object, "spec.attributes");
  if (!list.is_array()) return {};
  for (const Json& item : list) {
    AllocationAttribute attribute;
    attribute.handle = string_or(item, "handle_id");
    const Json& notes = member(item, "secondary");
    if (notes.is_object()) {
      for (const auto& [key, value] : notes.items()) {
        if (value.is_string()) attribute.notes[key] = value.get<std::string>();
      }
    }
    block.attributes.push_back(std::move(attribute));
  }
  return {};
}

Result<void> read_allocations(const Json& object, AddressBlock& block) {
  const Json& list = at_path(object, "spec.allocations");
  if (!list.is_array() || list.size() != block.cidr.size()) {
    return bad_field(object, "allocations", str("must have ", block.cidr.size(), " entries"));
  }
  block.allocations.resize(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_null()) continue;
    const auto index = list[i].is_number_integer() ? list[i].get<int64_t>() : -1;
    if (index < 0 || static_cast<size_t>(index) >= block.attributes.size()) {
      return bad_field(object, str("allocations[", i, "]"), "is no index into attributes");
    }
    block.allocations[i] = static_cast<uint32_t>(index);
  }
  return {};
}

/// Free ordinals in the stored order; one that is listed twice or is allocated is refused, one that
/// is missing is appended, so that no address is ever given twice or lost.
Result<void> read_unallocated(const Json& object, AddressBlock& block) {
  const Json& list = at_path(object, "spec.unallocated");
  std::vector<bool> seen(block.allocations.size(), false);
  for (size_t i = 0; list.is_array() && i < list.size(); ++i) {
    const auto ordinal = list[i].is_number_integer() ? list[i].get<int64_t>() : -1;
    const std::string field = str("unallocated[", i, "]");
    if (ordinal < 0 || static_cast<size_t>(ordinal) >= seen.size()) {
      return bad_field(object, field, "is no address of the block");
    }
    const auto n = static_cast<size_t>(ordinal);
    if (seen[n] || block.allocations[n]) {
      return bad_field(object, field, "is listed twice or allocated");
    }
    seen[n] = true;
    block.unallocated.push_back(static_cast<uint32_t>(ordinal));
  }
  for (size_t n = 0; n < seen.size(); ++n) {
    if (!seen[n] && !block.allocations[n]) block.unallocated.push_back(static_cast<uint32_t>(n));
  }
  return {};
}

}  // namespace

std::string block_object_name(const Prefix& cidr) {
  return dashed(cidr);
}

std::string affinity_object_name(std::string_view node, const Prefix& cidr) {
  return str(node, "-", dashed(cidr));
}

std::string handle_object_name(std::string_view handle) {
  return to_lower(handle).substr(0, 253);
}

Json to_json(const AddressBlock& block, const Json& metadata) {
  Json object = envelope("IPAMBlock", block_object_name(block.cidr), metadata);
  Json allocations = Json::array();
  for (const auto& index : block.allocations) {
    allocations.push_back(index ? Json(*index) : Json(nullptr));
  }
  Json attributes = Json::array();
  for (const auto& one : block.attributes) {
    attributes.push_back({{"handle_id", one.handle}, {"secondary", one.notes}});
  }
  object["spec"] = {
      {"cidr", to_string(block.cidr)},           {"allocations", std::move(allocations)},
      {"unallocated", block.unallocated},        {"attributes", std::move(attributes)},
      {"strictAffinity", block.strict_affinity}, {"deleted", block.deleted}};
  if (!block.node.empty()) object["spec"]["affinity"] = str(host_prefix, block.node);
  return object;
}

Result<AddressBlock> block_from_json(const Json& object) {
  AddressBlock block;
  HOP_TRY(block.cidr, read_cidr(object));
  // 4,096 addresses are Calico's largest block; it also bounds what a hostile object can cost.
  if (block.cidr.length() < 20) return bad_field(object, "cidr", "blocks are /20 to /32");
  const Json& spec = member(object, "spec");
  const std::string affinity = string_or(spec, "affinity");
  if (affinity.starts_with(host_prefix)) block.node = affinity.substr(host_prefix.size());
  block.strict_affinity = bool_or(spec, "strictAffinity");
  block.deleted = bool_or(spec, "deleted");
  HOP_CHECK(read_attributes(object, block));
  HOP_CHECK(read_allocations(object, block));
  HOP_CHECK(read_unallocated(object, block));
  return block;
}

Json to_json(const BlockAffinity& affinity, const Json& metadata) {
  Json object =
      envelope("BlockAffinity", affinity_object_name(affinity.node, affinity.cidr), metadata);
  const char* state = affinity.state == AffinityState::pending     ? "pending"
                      : affinity.state == AffinityState::confirmed ? "confirmed"
                                                                   : "pendingDeletion";
  object["spec"] = {{"cidr", to_string(affinity.cidr)},
                    {"deleted", "false"},  // a string in Calico's CRD
                    {"node", affinity.node},
                    {"state", state}};
  return object;
}

Result<BlockAffinity> affinity_from_json(const Json& object) {
  BlockAffinity affinity;
  HOP_TRY(affinity.cidr, read_cidr(object));
  const Json& spec = member(object, "spec");
  affinity.node = string_or(spec, "node");
  if (affinity.node.empty()) return bad_field(object, "node", "must name a node");
  const std::string state = string_or(spec, "state");
  if (state == "pending") {
    affinity.state = AffinityState::pending;
  } else if (state == "pendingDeletion") {
    affinity.state = AffinityState::pending_deletion;
  } else if (!state.empty() && state != "confirmed") {
    return bad_field(object, "state", "must be pending, confirmed or pendingDeletion");
  }
  return affinity;
}

Json to_json(const AddressHandle& handle, const Json& metadata) {
  Json object = envelope("IPAMHandle", handle_object_name(handle.id), metadata);
  Json blocks = Json::object();
  for (const auto& [cidr, count] : handle.blocks) blocks[to_string(cidr)] = count;
  object["spec"] = {{"handleID", handle.id}, {"block", std::move(blocks)}, {"deleted", false}};
  return object;
}

Result<AddressHandle> handle_from_json(const Json& object) {
  AddressHandle handle;
  const Json& spec = member(object, "spec");
  handle.id = string_or(spec, "handleID");
  if (handle.id.empty()) return bad_field(object, "handleID", "must not be empty");
  const Json& blocks = member(spec, "block");
  if (!blocks.is_object()) return handle;
  for (const auto& [text, count] : blocks.items()) {
    auto cidr = Prefix::parse(text);
    if (!cidr) return bad_field(object, "block", cidr.error().message());
    if (!count.is_number_integer()) return bad_field(object, "block", "counts are whole numbers");
    handle.blocks[cidr->masked()] = count.get<int64_t>();
  }
  return handle;
}

std::optional<Prefix> first_block_of(const Json& node) {
  const Json& annotations = at_path(node, "metadata.annotations");
  auto block = Prefix::parse(string_or(annotations, first_block_annotation));
  if (!block) return std::nullopt;
  return block->masked();
}

Result<AddressPool> pool_from_json(const Json& object) {
  AddressPool pool;
  pool.name = string_or(member(object, "metadata"), "name");
  HOP_TRY(pool.cidr, read_cidr(object));
  const Json& spec = member(object, "spec");
  const int64_t size = int_or(spec, "blockSize", 26);
  if (size < 20 || size > 32 || size < pool.cidr.length()) {
    return bad_field(object, "blockSize",
                     "must be 20 to 32 and not less than the length of the pool's cidr");
  }
  pool.block_size = static_cast<uint8_t>(size);
  pool.disabled = bool_or(spec, "disabled");
  const std::string selector = string_or(spec, "nodeSelector");
  if (!selector.empty() && selector != "all()") {
    return bad_field(object, "nodeSelector", "only all() is supported");
  }
  return pool;
}

}  // namespace hoplab::plan
