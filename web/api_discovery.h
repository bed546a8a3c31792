#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/json.h"
#include "web/http.h"

namespace hoplab::web {

/// Answers the discovery paths: /api, /api/v1, /apis, /apis/GROUP, /apis/GROUP/VERSION, in the
/// classic form and, for /api and /apis, in the aggregated one that kubectl from 1.27 on asks for.
/// Nullopt for any other path.
std::optional<HttpResponse> discovery_response(const HttpRequest& request);

}  // namespace hoplab::web
