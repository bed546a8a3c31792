#include "store/api/patch.h"

#include "runtime/base/text.h"

namespace hoplab::api {

namespace {

constexpr size_t max_operations = 10'000;  ///< As Kubernetes' API server allows.
constexpr size_t max_copied = 1U << 20U;   ///< Bytes that "copy" operations may add.
constexpr size_t max_depth = 200;

Json merged(Json target, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = Json::object();
  for (auto it = patch.begin(); it != patch.end(); ++it) {
    if (it->is_null()) {
      target.erase(it.key());
    } else {
      Json& place = target[it.key()];
      place = merged(std::move(place), *it);
    }
  }
  return target;
}

/// nlohmann's message without its "[json.exception.…] " prefix.
std::string plain(std::string_view message) {
  auto close = message.find("] ");
  return std::string(close == std::string_view::npos ? message : message.substr(close + 2));
}

size_t depth_of_pointer(const std::string& path) {
  return static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
}

/// Objects that double themselves with "copy" end here; so do towers built by "add".
Result<void> check_growth(const Json& document, const Json& operation, size_t& copied) {
  std::string path = string_or(operation, "path");
  if (depth_of_pointer(path) > max_depth) {
    return Error(ErrorCode::bad_request, "the path is deeper than 200 levels");
  }
  if (string_or(operation, "op") != "copy") return {};
  Json::json_pointer from(string_or(operation, "from"));
  if (document.contains(from)) copied += dump_json(document.at(from)).size();
  if (copied > max_copied) {
    return Error(ErrorCode::too_large, "the copies of a JSON patch come to more than 1 MB");
  }
  return {};
}

}  // namespace

Result<Json> merge_patch(const Json& original, const Json& patch) {
  if (!patch.is_object()) {
    return Error(ErrorCode::bad_request,
                 str("a merge patch must be an object, found ", patch.type_name()));
  }
  return merged(original, patch);
}

Result<Json> json_patch(const Json& original, const Json& patch) {
  if (!patch.is_array()) {
    return Error(ErrorCode::bad_request,
                 str("a JSON patch must be a list of operations, found ", patch.type_name()));
  }
  if (patch.size() > max_operations) {
    return Error(ErrorCode::too_large, str("the allowed maximum operations in a JSON patch is ",
                                           max_operations, ", got ", patch.size()));
  }
  Json document = original;
  size_t copied = 0;
  for (size_t i = 0; i < patch.size(); ++i) {
    std::string what = str("JSON patch, operation ", i);
    try {
      HOP_CHECK(check_growth(document, patch[i], copied).context(what));
      document.patch_inplace(Json::array({patch[i]}));
    } catch (const Json::parse_error& e) {
      return Error(ErrorCode::bad_request, str(what, ": ", plain(e.what())));
    } catch (const Json::exception& e) {
      return Error(ErrorCode::invalid, str(what, ": ", plain(e.what())));
    }
  }
  return document;
}

}  // namespace hoplab::api
