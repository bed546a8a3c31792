#include "cmd/calicoctl_ipam.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>

#include "cmd/box_table.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::calicoctl {

namespace {

using plan::AddressBlock;
using plan::AddressPool;

std::string printed(const char* format, double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

double size_of(const Prefix& cidr) {
  double size = 1;
  for (int i = cidr.length(); i < 32; ++i) size *= 2;
  return size;
}

size_t used_in(const AddressBlock& block) {
  return static_cast<size_t>(std::count_if(block.allocations.begin(), block.allocations.end(),
                                           [](const auto& each) { return each.has_value(); }));
}

/// "5 (8%)"
std::string share(double part, double whole) {
  return str(printed("%.5g", part), " (", printed("%.f", 100 * part / whole), "%)");
}

std::vector<std::string> row_of(const char* grouping, const Prefix& cidr, double used) {
  double total = size_of(cidr);
  return {grouping, to_string(cidr), printed("%.5g", total), share(used, total),
          share(total - used, total)};
}

struct Holder {
  Ipv4 ip;
  const AddressBlock& block;
  const plan::AllocationAttribute& attribute;

  [[nodiscard]] std::string note(const std::string& name) const {
    auto found = attribute.notes.find(name);
    return found == attribute.notes.end() ? "" : found->second;
  }
};

std::vector<Holder> holders_in(const std::vector<AddressBlock>& blocks) {
  std::vector<Holder> out;
  for (const AddressBlock& block : blocks) {
    for (size_t i = 0; i < block.allocations.size(); ++i) {
      const auto& index = block.allocations[i];
      if (!index || *index >= block.attributes.size()) continue;
      out.push_back(
          {block.cidr.network() + static_cast<uint32_t>(i), block, block.attributes[*index]});
    }
  }
  return out;
}

bool in_pools(const std::vector<AddressPool>& pools, Ipv4 ip) {
  return std::any_of(pools.begin(), pools.end(), [&](const AddressPool& pool) {
    return !pool.disabled && pool.cidr.contains(ip);
  });
}

std::string list_blocks(const std::vector<AddressBlock>& blocks, size_t allocations) {
  std::string out = str("Loading all IPAM blocks...\nFound ", blocks.size(), " IPAM blocks.\n");
  for (const AddressBlock& block : blocks) {
    out += str(" IPAM block ", to_string(block.cidr),
               " affinity=", block.node.empty() ? "<nil>" : "host:" + block.node, ":\n");
  }
  return out + str("IPAM blocks record ", allocations, " allocations.\n\n");
}

std::string list_pools(const std::vector<AddressPool>& pools) {
  std::string out = "Loading all IPAM pools...\n";
  size_t active = 0;
  for (const AddressPool& pool : pools) {
    if (pool.disabled) continue;
    ++active;
    out += str("  ", to_string(pool.cidr), "\n");
  }
  return out + str("Found ", active, " active IP pools.\n\n");
}

std::string list_top_nodes(const std::vector<Holder>& holders,
                           const std::vector<std::string>& nodes) {
  std::map<std::string, size_t> counts;
  for (const std::string& node : nodes) counts[node] = 0;
  for (const Holder& holder : holders) ++counts[holder.note("node")];
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out = "Looking for top (up to 20) nodes by allocations...\n";
  for (size_t i = 0; i < sorted.size() && i < 20; ++i) {
    out += str("  ", sorted[i].first, " has ", sorted[i].second, " allocations\n");
  }
  if (!sorted.empty()) {
    out += str("Node with most allocations has ", sorted.front().second, "; median is ",
               sorted[sorted.size() / 2].second, "\n");
  }
  return out + "\n";
}

}  // namespace

std::string ipam_table(const std::vector<AddressPool>& pools,
                       const std::vector<AddressBlock>& blocks, bool with_blocks) {
  std::vector<std::vector<std::string>> rows;
  for (const AddressPool& pool : pools) {
    double used = 0;
    std::vector<std::vector<std::string>> block_rows;
    for (const AddressBlock& block : blocks) {
      if (!pool.cidr.contains(block.cidr.network())) continue;
      used += static_cast<double>(used_in(block));
      block_rows.push_back(row_of("Block", block.cidr, static_cast<double>(used_in(block))));
    }
    rows.push_back(row_of("IP Pool", pool.cidr, used));
    if (with_blocks) rows.insert(rows.end(), block_rows.begin(), block_rows.end());
  }
  return render_box({"Grouping", "CIDR", "IPs total", "IPs in use", "IPs free"}, rows);
}

std::string borrowed_table(const std::vector<AddressBlock>& blocks) {
  std::vector<std::vector<std::string>> rows;
  for (const Holder& holder : holders_in(blocks)) {
    std::string node = holder.note("node");
    if (node.empty() || node == holder.block.node) continue;
    std::string pod = holder.note("pod");
    rows.push_back({to_string(holder.ip), node, to_string(holder.block.cidr),
                    holder.block.node.empty() ? "<none>" : holder.block.node,
                    pod.empty() ? holder.note("type") : "pod",
                    pod.empty() ? "" : holder.note("namespace") + "/" + pod});
  }
  return render_box({"IP", "Borrowing-Node", "Block", "Block Owner", "Type", "Allocated-To"}, rows);
}

std::string address_text(Ipv4 ip, const std::vector<AddressBlock>& blocks) {
  for (const Holder& holder : holders_in(blocks)) {
    if (holder.ip != ip) continue;
    std::string out = str("IP ", to_string(ip), " is in use\n");
    if (holder.attribute.notes.empty()) return out + "No attributes defined\n";
    out += "Attributes:\n";
    for (const auto& [name, value] : holder.attribute.notes) {
      out += str("  ", name, ": ", value, "\n");
    }
    return out;
  }
  return str(to_string(ip), " is not assigned\n");
}

std::string ipam_report(const std::vector<AddressPool>& pools,
                        const std::vector<AddressBlock>& blocks, const AddressUsers& users) {
  std::vector<Holder> holders = holders_in(blocks);
  std::set<Ipv4> allocated;
  for (const Holder& holder : holders) allocated.insert(holder.ip);
  std::set<Ipv4> used(users.tunnels.begin(), users.tunnels.end());
  used.insert(users.workloads.begin(), users.workloads.end());
  size_t leaked = 0;
  for (Ipv4 ip : allocated) leaked += used.contains(ip) ? 0 : 1;
  size_t foreign = 0;
  size_t missing = 0;
  for (Ipv4 ip : used) {
    if (allocated.contains(ip)) continue;
    ++(in_pools(pools, ip) ? missing : foreign);
  }
  std::string out = "Checking IPAM for inconsistencies...\n\n";
  out += list_blocks(blocks, allocated.size());
  out += list_pools(pools);
  out += str("Loading all nodes.\nFound ", users.tunnels.size(), " node tunnel IPs.\n\n");
  out += str("Loading all workload endpoints.\nFound ", users.workloads.size(),
             " workload IPs.\nWorkloads and nodes are using ", used.size(), " IPs.\n\n");
  out += list_top_nodes(holders, users.nodes);
  out +=
      str("Scanning for IPs that are allocated but not actually in use...\nFound ", leaked,
          " IPs that are allocated in IPAM but not actually in use.\n",
          "Scanning for IPs that are in use by a workload or node but not allocated in IPAM...\n",
          "Found ", foreign, " in-use IPs that are not in active IP pools.\nFound ", missing,
          " in-use IPs that are in active IP pools but have no corresponding IPAM "
          "allocation.\n\n");
  return out + str("Check complete; found ", leaked + foreign + missing, " problems.\n");
}

}  // namespace hoplab::cmd::calicoctl
