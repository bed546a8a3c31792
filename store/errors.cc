#include "store/errors.h"

#include "runtime/base/text.h"

namespace hoplab {
namespace {

Error about(ErrorCode code, const api::Kind& kind, const std::string& name, std::string message) {
  return Error(code, std::move(message))
      .with_details({.group = std::string(kind.group),
                     .resource = std::string(kind.plural),
                     .name = name,
                     .uid = {},
                     .causes = {}});
}

std::string quoted(const api::Kind& kind, const std::string& name) {
  return str(kind.qualified_resource(), " \"", name, "\"");
}

}  // namespace

Error object_not_found(const api::Kind& kind, const std::string& name) {
  return about(ErrorCode::not_found, kind, name, quoted(kind, name) + " not found");
}

Error object_exists(const api::Kind& kind, const std::string& name) {
  return about(ErrorCode::already_exists, kind, name, quoted(kind, name) + " already exists");
}

Error object_conflict(const api::Kind& kind, const std::string& name, std::string_view why) {
  return about(ErrorCode::conflict, kind, name,
               str("Operation cannot be fulfilled on ", quoted(kind, name), ": ", why));
}

Error object_modified(const api::Kind& kind, const std::string& name) {
  return object_conflict(kind, name,
                         "the object has been modified; please apply your changes to the latest "
                         "version and try again");
}

Error object_forbidden(const api::Kind& kind, const std::string& name, std::string_view why) {
  return about(ErrorCode::forbidden, kind, name, str(quoted(kind, name), " is forbidden: ", why));
}

}  // namespace hoplab
