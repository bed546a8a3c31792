#pragma once

#include <string>
#include <vector>

#include "cmd/command.h"
#include "runtime/base/result.h"
#include "web/client.h"

/// `hoplab calicoctl`: the commands of Calico 3.21's calicoctl that look at the cluster. Words,
/// tables and exit codes are calicoctl's (facts: libcalico-go, calicoctl/commands).
namespace hoplab::cmd::calicoctl {

struct Session {
  web::Client& client;
  std::string namespace_name = "default";
  bool namespace_given = false;  ///< -n: lists then have a column NAMESPACE, too.
  bool all_namespaces = false;
  std::string output;  ///< "", "wide", "yaml", "json", "ps"
};

/// Everything of one kind, in the server's order.
Result<std::vector<Json>> list_all(web::Client& client, std::string_view kind,
                                   const std::string& namespace_name = "");

/// Whether a pod has an address of its own and has not ended: what Calico calls a workload
/// endpoint.
bool has_endpoint(const Json& pod);

struct IpamShowWish {
  bool blocks = false;
  bool borrowed = false;
  bool configuration = false;
  std::string ip;
};

// What each verb's file defines; the text to print.
Result<std::string> ipam_show(web::Client& client, const IpamShowWish& wish);
Result<std::string> ipam_check(web::Client& client);
Result<std::string> get_resource(const Session& session, const std::string& resource,
                                 const std::vector<std::string>& names);

}  // namespace hoplab::cmd::calicoctl
