#include "runtime/proc/image_catalog.h"

#include "runtime/image/folder.h"
#include "runtime/image/store.h"
#include "runtime/proc/signal_name.h"

namespace hoplab::proc {

namespace {

Image image_of(const image::ImageStore& store, const image::StoredImage& stored) {
  Image out;
  out.name = stored.names.empty() ? stored.id.short_id() : stored.names.front();
  out.id = stored.id.text();
  out.description = "loaded";
  out.entrypoint = stored.config.entrypoint;
  out.cmd = stored.config.cmd;
  for (const std::string& each : stored.config.env) {
    size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    out.env.push_back({each.substr(0, equals), each.substr(equals + 1)});
  }
  if (!stored.config.working_dir.empty()) out.working_dir = stored.config.working_dir;
  out.labels = stored.config.labels;
  out.stop_signal = signal_number(stored.config.stop_signal).value_or(SIGTERM);
  out.user = stored.config.user;
  out.layers = store.layers(stored);
  out.hold_file = store.hold_file(stored);
  return out;
}

}  // namespace

Result<Image> ImageCatalog::resolve(std::string_view reference) const {
  auto builtin = resolve_image(reference);
  if (builtin && builtin->role) return builtin;
  if (!folder_.empty()) {
    HOP_TRY(auto store, image::ImageStore::find_folder(folder_, image::own_whiteouts()));
    if (store) {
      auto found = store->find(reference);
      if (found) {
        HOP_CHECK(store->check_usable());
        return image_of(*store, *found);
      }
      if (found.error().code() != ErrorCode::not_found &&
          found.error().code() != ErrorCode::invalid) {
        return std::move(found).error();
      }
    }
  }
  return builtin;
}

}  // namespace hoplab::proc
