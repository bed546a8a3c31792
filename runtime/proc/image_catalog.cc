#include "runtime/proc/image_catalog.h"

#include <map>

#include "runtime/base/text.h"
#include "runtime/image/folder.h"
#include "runtime/image/store.h"

namespace hoplab::proc {

namespace {

/// "SIGQUIT", "QUIT" or "3"; SIGTERM for what we do not know.
int signal_of(std::string_view text) {
  static const std::map<std::string_view, int> names{
      {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"KILL", SIGKILL},
      {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TERM", SIGTERM},   {"CONT", SIGCONT},
      {"STOP", SIGSTOP}, {"PWR", SIGPWR},   {"WINCH", SIGWINCH}, {"RTMIN+3", 37}};
  if (text.starts_with("SIG")) text.remove_prefix(3);
  if (auto known = names.find(text); known != names.end()) return known->second;
  int number = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || number > NSIG) return SIGTERM;
    number = number * 10 + (c - '0');
  }
  return number > 0 && number < NSIG ? number : SIGTERM;
}

Image image_of(const image::ImageStore& store, const image::StoredImage& stored) {
  Image out;
  out.name = stored.names.empty() ? stored.id.short_id() : stored.names.front();
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
  out.stop_signal = signal_of(stored.config.stop_signal);
  out.user = stored.config.user;
  out.layers = store.layers(stored);
  out.hold_file = store.hold_file(stored);
  return out;
}

}  // namespace

Result<Image> ImageCatalog::resolve(std::string_view reference) const {
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
  return resolve_image(reference);
}

}  // namespace hoplab::proc
