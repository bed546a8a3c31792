// Single objects: get, create, replace, patch, delete.

#include "runtime/base/text.h"
#include "web/api_render.h"
#include "web/api_request.h"
#include "web/api_server.h"

namespace hoplab::web {

namespace {

/// What DELETE answers when the object is gone at once.
Json deletion_status(const api::Kind& kind, const std::string& name, const Json& object) {
  Json details = {{"name", name}, {"kind", kind.plural}, {"uid", api::uid_of(object)}};
  if (!kind.group.empty()) details["group"] = kind.group;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details", details}};
}

/// The options of a write and what was noticed during it, which its answer tells.
struct Write {
  WriteOptions options;
  std::vector<std::string> warnings;
  bool warn = true;

  static Result<Write> read(const Query& query) {
    Write out;
    HOP_TRY(out.options, read_write_options(query));
    out.warn = wants_warnings(query);
    return out;
  }
  /// Only for the time of one call: the pointer is into this value.
  const WriteOptions& listening() {
    options.warnings = warn ? &warnings : nullptr;
    return options;
  }
  [[nodiscard]] HttpResponse answer(int status, const Json& object) const {
    // As much as a real API server sends at most.
    constexpr size_t most = 4096;
    HttpResponse out = json_response(status, object);
    size_t size = 0;
    for (const std::string& text : warnings) {
      size += text.size();
      if (size > most) break;
      out.headers.emplace("Warning", warning_header(text));
    }
    return out;
  }
};

}  // namespace

ApiServer::Answer ApiServer::get(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(Json object, backend_.source->get(*path.kind, path.namespace_name, path.name));
  if (!wants_table(request)) return json_response(200, object);
  PageInfo page;
  page.revision = api::revision_of(object);
  HttpResponse response;
  const SharedJson item = std::make_shared<const Json>(std::move(object));
  response.body = render_table(*path.kind, std::span(&item, 1), page,
                               read_table_options(request, backend_.clock->wall()));
  return response;
}

ApiServer::Answer ApiServer::get_older(const ResourcePath& path) {
  HOP_TRY(Json object, backend_.source->get(*path.kind, path.namespace_name, path.name));
  object["apiVersion"] = path.older_version;
  // Where v1 says nodeName, v1beta1 has a topology.
  if (!member(object, "endpoints").is_array()) object["endpoints"] = Json::array();
  for (Json& endpoint : object["endpoints"]) {
    const std::string node = string_or(endpoint, "nodeName");
    if (!node.empty()) endpoint["topology"]["kubernetes.io/hostname"] = node;
  }
  return json_response(200, object);
}

ApiServer::Answer ApiServer::create(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(Write write, Write::read(request.query));
  HOP_TRY(Json object, read_object(request, path));
  HOP_TRY(Json made, backend_.source->create(*path.kind, path.namespace_name, std::move(object),
                                             write.listening()));
  return write.answer(201, made);
}

ApiServer::Answer ApiServer::replace(const HttpRequest& request, const ResourcePath& path,
                                     Subresource subresource) {
  HOP_TRY(Write write, Write::read(request.query));
  HOP_TRY(Json object, read_object(request, path));
  HOP_TRY(Json made, backend_.source->update(*path.kind, path.namespace_name, path.name,
                                             std::move(object), subresource, write.listening()));
  return write.answer(200, made);
}

ApiServer::Answer ApiServer::patch(const HttpRequest& request, const ResourcePath& path,
                                   Subresource subresource) {
  HOP_TRY(PatchType type, read_patch_type(request));
  HOP_TRY(Write write, Write::read(request.query));
  HOP_TRY(Json patch, parse_json(request.body));
  HOP_TRY(Json made, backend_.source->patch(*path.kind, path.namespace_name, path.name, type, patch,
                                            subresource, write.listening()));
  return write.answer(200, made);
}

ApiServer::Answer ApiServer::remove(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(DeleteOptions options, read_delete_options(request));
  HOP_TRY(Deletion deletion,
          backend_.source->remove(*path.kind, path.namespace_name, path.name, options));
  return json_response(200, deletion.gone ? deletion_status(*path.kind, path.name, deletion.object)
                                          : deletion.object);
}

ApiServer::Answer ApiServer::remove_collection(const HttpRequest& request,
                                               const ResourcePath& path) {
  HOP_TRY(DeleteOptions options, read_delete_options(request));
  HOP_TRY(Snapshot found, backend_.snapshot(*path.kind, read_selection(request, path)));
  for (const SharedJson& object : found.objects) {
    auto removed = backend_.source->remove(*path.kind, api::namespace_of(*object),
                                           api::name_of(*object), options);
    // Somebody else was quicker: that is what was asked for.
    if (!removed && removed.error().code() != ErrorCode::not_found) {
      return std::move(removed).error();
    }
  }
  PageInfo page;
  page.revision = found.revision;
  HttpResponse response;
  response.body = render_list(*path.kind, found.objects, page);
  return response;
}

}  // namespace hoplab::web
