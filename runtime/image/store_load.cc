#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/architecture.h"
#include "runtime/base/clock.h"
#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_find.h"
#include "runtime/image/store_writer.h"

namespace hoplab::image {

namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void say(const LoadOptions& options, const std::string& line) {
  if (options.say) options.say(line);
}

/// An index may give a tag only ("latest"): the archive's own name then names the repository.
Result<std::vector<std::string>> full_names(const SourceImage& source,
                                            const std::string& fallback) {
  std::vector<std::string> written = source.names;
  if (written.empty() && !fallback.empty()) written = {"latest"};
  std::vector<std::string> out;
  for (const std::string& each : written) {
    bool only_tag = each.find_first_of("/:@") == std::string::npos;
    HOP_TRY(Reference name,
            Reference::parse(only_tag && !fallback.empty() ? fallback + ":" + each : each)
                .context("the image's name"));
    out.push_back(name.full());
  }
  return out;
}

/// "/tmp/My_App-1.2.tar.gz" -> "my_app-1.2"; empty when that is no name for an image.
std::string name_from_path(const std::string& path) {
  // A descriptor's number ("<(zcat app.tar.gz)" is /dev/fd/63) tells nothing.
  if (path.starts_with("/dev/") || path.starts_with("/proc/")) return {};
  std::string stem = path;
  while (stem.ends_with('/')) stem.pop_back();
  std::string name = to_lower(stem.substr(stem.find_last_of('/') + 1));
  for (std::string_view end : {".gz", ".zst", ".xz", ".bz2", ".tgz", ".tar", ".oci"}) {
    if (name.ends_with(end)) name.resize(name.size() - end.size());
  }
  return Reference::parse(name) ? name : std::string();
}

std::string shown(const std::vector<std::string>& names) {
  return names.empty() ? "image" : Reference::parse(names.front())->familiar();
}

std::string title_of(const std::string& path, const LoadOptions& options) {
  return options.title.empty() ? path : options.title;
}

/// What a layout's index may leave out and docker's archives always do.
Result<void> check_runnable(const ImageConfig& config, const std::string& path) {
  const std::string machine = machine_architecture();
  if ((!config.os.empty() && config.os != "linux") ||
      (!config.architecture.empty() && config.architecture != machine)) {
    return Error(ErrorCode::not_found,
                 str("the image is for ", config.os.empty() ? "linux" : config.os, "/",
                     config.architecture, "; this machine is linux/", machine));
  }
  if (config.diff_ids.size() > most_stacked_layers) {
    return Error(ErrorCode::unsupported,
                 str(path, ": the image has ", config.diff_ids.size(), " layers; at most ",
                     most_stacked_layers, " can be stacked"));
  }
  return {};
}

}  // namespace

Result<Fd> ImageStore::Writer::open_source(const std::string& path, const LoadOptions& options) {
  HOP_TRY(Fd file, open_fd(path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return Error::from_errno(errno, "looking at " + path);
  if (S_ISDIR(info.st_mode)) return file;
  const std::string title = title_of(path, options);
  say(options, "unpacking " + title);
  HOP_CHECK(set_nonblocking(file.get(), false));
  HOP_TRY(TarReader reader, TarReader::open(std::move(file), title));
  std::string staged = staging_ + "/source";
  if (::mkdir(staged.c_str(), 0700) != 0) return Error::from_errno(errno, "making " + staged);
  HOP_TRY(Fd directory, open_fd(staged, O_RDONLY | O_DIRECTORY));
  auto unpacked = unpack(reader, directory, {Whiteouts::none, options.limits});
  if (!unpacked) return std::move(unpacked).error().context(title);
  return directory;
}

Result<LoadedImage> ImageStore::Writer::add_image(const Fd& source, const SourceImage& image,
                                                  const std::vector<std::string>& names,
                                                  const LoadOptions& options,
                                                  std::vector<Descriptor>& index) {
  HOP_TRY(Fd config_file, open_file_in_root(source, image.config.path));
  HOP_TRY(std::string text, read_all(config_file.get(), document_limit).context(image.config.path));
  HOP_TRY(ImageConfig config, parse_config(text).context(image.config.path));
  if (config.diff_ids.size() != image.layers.size()) {
    return Error(ErrorCode::bad_request,
                 str(image.config.path, ": rootfs.diff_ids: ", config.diff_ids.size(),
                     " entries for ", image.layers.size(), " layers"));
  }
  if (image.config.digest && digest_of(text) != *image.config.digest) {
    return Error(ErrorCode::bad_request, image.config.path + ": damaged: its digest differs");
  }
  HOP_CHECK(check_runnable(config, image.config.path));
  Manifest manifest;
  HOP_TRY(manifest.config, add_text(text, media_type::config));
  LoadedImage out;
  for (size_t i = 0; i < image.layers.size(); ++i) {
    say(options, str(shown(names), ": layer ", i + 1, " of ", image.layers.size()));
    HOP_TRY(Fd blob, open_file_in_root(source, image.layers[i].path));
    HOP_TRY(Layer layer,
            add_layer(blob, image.layers[i].path, image.layers[i].digest, config.diff_ids[i]));
    manifest.layers.push_back(std::move(layer.blob));
    append(out.notes, layer.notes);
  }
  HOP_TRY(Descriptor stored, add_text(manifest_text(manifest), media_type::manifest));
  give_names(index, stored, names);
  out.image = store_.read_image(stored);
  if (out.image.damage) return *out.image.damage;
  out.image.names = names;
  return out;
}

Result<std::vector<LoadedImage>> ImageStore::load(const std::string& path,
                                                  const LoadOptions& options) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  writer.limit(options.limits);
  const std::string title = title_of(path, options);
  const auto all = [&]() -> Result<std::vector<LoadedImage>> {
    HOP_TRY(Fd source, writer.open_source(path, options));
    HOP_TRY(std::vector<SourceImage> images,
            read_source(source, machine_architecture()).context(title));
    std::string fallback = options.fallback_name;
    if (fallback.empty() && options.title.empty()) fallback = name_from_path(path);
    HOP_TRY(std::vector<Descriptor> index, read_index());
    std::vector<LoadedImage> out;
    for (const SourceImage& each : images) {
      // Several images without names cannot all have the archive's.
      HOP_TRY(std::vector<std::string> names,
              full_names(each, images.size() == 1 ? fallback : std::string()));
      HOP_TRY(
          LoadedImage loaded,
          writer.add_image(source, each, names, options, index).context(str("loading ", title)));
      out.push_back(std::move(loaded));
    }
    HOP_TRY(std::vector<std::string> notes, writer.commit(index));
    append(out.back().notes, notes);
    return out;
  };
  auto result = all();
  if (!result) writer.collect_garbage();
  return result;
}

Result<LoadedImage> ImageStore::import_rootfs(const std::string& path, ImageConfig config,
                                              const LoadOptions& options) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  writer.limit(options.limits);
  const std::string title = title_of(path, options);
  const auto all = [&]() -> Result<LoadedImage> {
    HOP_TRY(Fd file, open_fd(path, O_RDONLY));
    HOP_TRY(Writer::Layer layer, writer.add_layer(file, title, {}, {}));
    config.diff_ids = {layer.diff_id};
    if (config.created.empty()) config.created = to_rfc3339(SystemClock().wall());
    if (config.os.empty()) config.os = "linux";
    if (config.architecture.empty()) config.architecture = machine_architecture();
    std::string comment = options.message.empty() ? "Imported from " + title : options.message;
    config.history = {{config.created, "", std::move(comment), false}};
    Manifest manifest;
    HOP_TRY(manifest.config, writer.add_text(config_text(config), media_type::config));
    manifest.layers = {layer.blob};
    HOP_TRY(Descriptor stored, writer.add_text(manifest_text(manifest), media_type::manifest));
    std::vector<std::string> names;
    if (!options.fallback_name.empty()) {
      HOP_TRY(Reference name, Reference::parse(options.fallback_name));
      names.push_back(name.full());
    }
    HOP_TRY(std::vector<Descriptor> index, read_index());
    give_names(index, stored, names);
    LoadedImage out{{}, std::move(layer.notes)};
    out.image = read_image(stored);
    if (out.image.damage) return *out.image.damage;
    out.image.names = names;
    HOP_TRY(std::vector<std::string> notes, writer.commit(index));
    append(out.notes, notes);
    return out;
  };
  auto result = all();
  if (!result) writer.collect_garbage();
  return result;
}

}  // namespace hoplab::image
