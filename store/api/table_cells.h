#pragma once

#include "runtime/base/clock.h"
#include "runtime/base/json.h"

/// The cells of each kind's rows, in the order of its columns in table.cc. Internal to table.cc.
namespace hoplab::api {

// table_cells.cc
Json plain_cells(const Json& object, WallTime now);
Json service_cells(const Json& object, WallTime now);
Json endpoints_cells(const Json& object, WallTime now);
Json endpoint_slice_cells(const Json& object, WallTime now);
Json deployment_cells(const Json& object, WallTime now);
Json replica_set_cells(const Json& object, WallTime now);
Json daemon_set_cells(const Json& object, WallTime now);
Json namespace_cells(const Json& object, WallTime now);
Json config_map_cells(const Json& object, WallTime now);
Json secret_cells(const Json& object, WallTime now);
Json service_account_cells(const Json& object, WallTime now);
Json lease_cells(const Json& object, WallTime now);
Json event_cells(const Json& object, WallTime now);

// table_status.cc
Json pod_cells(const Json& object, WallTime now);
Json node_cells(const Json& object, WallTime now);

}  // namespace hoplab::api
