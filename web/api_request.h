#pragma once

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "store/api/table.h"
#include "store/source.h"
#include "web/api_path.h"
#include "web/http.h"

/// Reading what clients of the API send. Pure functions; errors as a real API server words them.
namespace hoplab::web {

/// The body as one JSON value: JSON (also without Content-Type) or YAML. `unsupported_media_type`
/// for anything else, protobuf included.
Result<Json> read_body(const HttpRequest& request);
/// The same for a body that must be an object of the path's kind: kind and apiVersion are filled in
/// when missing, a namespace or name that differs from the path's is refused.
Result<Json> read_object(const HttpRequest& request, const ResourcePath& path);
/// dryRun, fieldValidation, fieldManager.
Result<WriteOptions> read_write_options(const Query& query);
/// False under fieldValidation=Ignore: then nobody hears of unknown fields.
bool wants_warnings(const Query& query);
/// From the body of a DELETE (may be empty) and its query.
Result<DeleteOptions> read_delete_options(const HttpRequest& request);
/// labelSelector and fieldSelector, with the path's namespace and name.
Selection read_selection(const HttpRequest& request, const ResourcePath& path);
/// A whole number from the query, `fallback` when missing.
Result<int64_t> read_number(const Query& query, const std::string& name, int64_t fallback);
/// By the PATCH's Content-Type; `unsupported_media_type` for apply-patch.
Result<PatchType> read_patch_type(const HttpRequest& request);

/// "application/json;as=Table;g=meta.k8s.io;v=v1" is accepted.
bool wants_table(const HttpRequest& request);
api::TableOptions read_table_options(const HttpRequest& request, WallTime now);

}  // namespace hoplab::web
