#pragma once

#include <string>
#include <vector>

#include "runtime/plan/ipam.h"

/// The pure part of `calicoctl ipam`.
namespace hoplab::cmd::calicoctl {

/// The table GROUPING, CIDR, IPS TOTAL, IPS IN USE, IPS FREE; a row per block where `with_blocks`.
std::string ipam_table(const std::vector<plan::AddressPool>& pools,
                       const std::vector<plan::AddressBlock>& blocks, bool with_blocks);

/// Addresses that a node took from another node's block.
std::string borrowed_table(const std::vector<plan::AddressBlock>& blocks);

/// "IP 172.16.158.1 is in use" with who has it, or that it is not assigned.
std::string address_text(Ipv4 ip, const std::vector<plan::AddressBlock>& blocks);

/// Who uses addresses, as the objects say.
struct AddressUsers {
  std::vector<std::string> nodes;  ///< All of them.
  std::vector<Ipv4> tunnels;       ///< Of nodes.
  std::vector<Ipv4> workloads;     ///< Of pods.
};
/// The whole report of `calicoctl ipam check`.
std::string ipam_report(const std::vector<plan::AddressPool>& pools,
                        const std::vector<plan::AddressBlock>& blocks, const AddressUsers& users);

}  // namespace hoplab::cmd::calicoctl
