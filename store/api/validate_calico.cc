#include "runtime/base/ip.h"
#include "runtime/base/text.h"
#include "store/api/validate_rules.h"

/// Rules of Calico's own validator (libcalico-go), IPv4 only: hoplab's pod networks are IPv4.
namespace hoplab::api {

using namespace field_error;

void check_ip_pool(const Json& object, const Json* old_object, Causes& out) {
  const Json& spec = member(object, "spec");
  std::string text = string_or(spec, "cidr");
  auto cidr = Prefix::parse(text);
  if (!cidr || text.find('/') == std::string::npos) {
    if (!text.empty() && is_ipv6(text.substr(0, text.find('/')))) {
      out.push_back(
          invalid("spec.cidr", text, "IPv6 pools are not supported; use an IPv4 network"));
    }
    return;
  }
  if (cidr->masked() != *cidr) {
    out.push_back(invalid("spec.cidr", text,
                          str("host bits are set; did you mean ", to_string(cidr->masked()), "?")));
  }
  int64_t block = int_or(spec, "blockSize", 26);
  if (block < 20 || block > 32) {
    out.push_back(invalid("spec.blockSize", block, "must be between 20 and 32 for an IPv4 pool"));
  } else if (block < cidr->length()) {
    out.push_back(
        invalid("spec.cidr", text,
                str("IP pool size is too small for use with Calico IPAM. It must be equal "
                    "to or greater than the block size (/",
                    block, ")")));
  }
  if (Prefix(Ipv4(169, 254, 0, 0), 16).overlaps(*cidr)) {
    out.push_back(invalid("spec.cidr", text, "overlaps with the link-local range 169.254.0.0/16"));
  }
  if (string_or(spec, "ipipMode", "Never") != "Never" &&
      string_or(spec, "vxlanMode", "Never") != "Never") {
    out.push_back(invalid("spec.ipipMode", string_or(spec, "ipipMode"),
                          "IPIPMode and VXLANMode cannot both be enabled on one pool"));
  }
  static constexpr std::string_view uses[] = {"Tunnel", "Workload"};
  for_each_item(spec, "allowedUses", "spec", [&](const Json& use, const std::string& at) {
    if (use != "Tunnel" && use != "Workload") out.push_back(not_supported(at, use, uses));
  });
  if (old_object == nullptr) return;
  const Json& old_spec = member(*old_object, "spec");
  for (const char* field : {"cidr", "blockSize"}) {
    if (member(spec, field) == member(old_spec, field)) continue;
    out.push_back(invalid(str("spec.", field), member(spec, field), "field is immutable"));
  }
}

void check_ipam_block(const Json& object, Causes& out) {
  const Json& spec = member(object, "spec");
  auto cidr = Prefix::parse(string_or(spec, "cidr"));
  if (!cidr) return;
  if (cidr->length() < 20) {
    out.push_back(invalid("spec.cidr", member(spec, "cidr"), "a block is /20 to /32"));
    return;
  }
  const Json& attributes = member(spec, "attributes");
  auto known = static_cast<int64_t>(attributes.is_array() ? attributes.size() : 0);
  const Json& allocations = member(spec, "allocations");
  if (!allocations.is_array() || allocations.size() != cidr->size()) {
    out.push_back(invalid("spec.allocations", Json(),
                          str("must be a list of ", cidr->size(), " entries, one per address")));
    return;
  }
  for (size_t i = 0; i < allocations.size(); ++i) {
    const Json& index = allocations[i];
    if (index.is_null()) continue;
    if (!index.is_number_integer() || index.get<int64_t>() < 0 || index.get<int64_t>() >= known) {
      out.push_back(invalid(str("spec.allocations[", i, "]"), index,
                            "must be null or the index of one of spec.attributes"));
    }
  }
  const Json& free = member(spec, "unallocated");
  auto size = static_cast<int64_t>(cidr->size());
  for (size_t i = 0; free.is_array() && i < free.size(); ++i) {
    if (!free[i].is_number_integer() || free[i].get<int64_t>() < 0 ||
        free[i].get<int64_t>() >= size) {
      out.push_back(invalid(str("spec.unallocated[", i, "]"), free[i],
                            "must be the number of an address in the block"));
    }
  }
}

}  // namespace hoplab::api
