#include "runtime/image/store_find.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/image/layout.h"

namespace hoplab::image {

namespace {

std::string_view without_algorithm(std::string_view text) {
  return text.starts_with("sha256:") ? text.substr(7) : text;
}

}  // namespace

bool is_id_start(std::string_view text) {
  text = without_algorithm(text);
  return text.size() >= 4 && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool has_name(const StoredImage& image, const Reference& name) {
  return std::find(image.names.begin(), image.names.end(), name.full()) != image.names.end();
}

Result<const StoredImage*> find_among(const std::vector<StoredImage>& images,
                                      std::string_view name_or_id) {
  auto name = Reference::parse(name_or_id);
  for (const StoredImage& each : images) {
    if (name && has_name(each, *name)) return &each;
  }
  if (!is_id_start(name_or_id)) {
    if (!name) return std::move(name).error();
    return Error(ErrorCode::not_found, str("No such image: ", name_or_id));
  }
  std::string_view id = without_algorithm(name_or_id);
  const StoredImage* found = nullptr;
  for (const StoredImage& each : images) {
    if (!each.id.hex().starts_with(id)) continue;
    if (found != nullptr) {
      return Error(ErrorCode::conflict, str("several images' ids start with \"", id, "\""));
    }
    found = &each;
  }
  if (found == nullptr) return Error(ErrorCode::not_found, str("No such image: ", name_or_id));
  return found;
}

void give_names(std::vector<Descriptor>& index, const Descriptor& manifest,
                const std::vector<std::string>& names) {
  const auto has_entry = [&](const Digest& digest) {
    return std::any_of(index.begin(), index.end(),
                       [&](const Descriptor& each) { return each.digest == digest; });
  };
  std::vector<Descriptor> nameless;
  std::erase_if(index, [&](const Descriptor& each) {
    const std::string name = name_of(each);
    if (name.empty()) return each.digest == manifest.digest;
    if (std::find(names.begin(), names.end(), name) == names.end()) return false;
    nameless.push_back(each);
    nameless.back().annotations.clear();
    return true;
  });
  for (const std::string& name : names) {
    index.push_back(manifest);
    index.back().annotations[std::string(name_annotation)] = name;
  }
  nameless.push_back(manifest);
  for (Descriptor& each : nameless) {
    if (!has_entry(each.digest)) index.push_back(std::move(each));
  }
}

}  // namespace hoplab::image
