#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/clock.h"
#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_writer.h"

namespace hoplab::image {

namespace {

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
  std::string stem = path;
  while (stem.ends_with('/')) stem.pop_back();
  std::string name = to_lower(stem.substr(stem.find_last_of('/') + 1));
  for (std::string_view end : {".gz", ".zst", ".xz", ".bz2", ".tgz", ".tar", ".oci"}) {
    if (name.ends_with(end)) name.resize(name.size() - end.size());
  }
  return Reference::parse(name) ? name : std::string();
}

/// Names move to the new image; one that loses its last name stays, nameless, as docker does:
/// containers may run from it.
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

std::string shown(const std::vector<std::string>& names) {
  return names.empty() ? "image" : Reference::parse(names.front())->familiar();
}

}  // namespace

Result<Fd> ImageStore::Writer::open_source(const std::string& path, const LoadOptions& options) {
  HOP_TRY(Fd file, open_fd(path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return Error::from_errno(errno, "looking at " + path);
  if (S_ISDIR(info.st_mode)) return file;
  say(options, "unpacking " + path);
  HOP_CHECK(set_nonblocking(file.get(), false));
  HOP_TRY(TarReader reader, TarReader::open(std::move(file), path));
  std::string staged = store_.folder_ + "/tmp/source";
  if (::mkdir(staged.c_str(), 0700) != 0) return Error::from_errno(errno, "making " + staged);
  HOP_TRY(Fd directory, open_fd(staged, O_RDONLY | O_DIRECTORY));
  auto unpacked = unpack(reader, directory, {Whiteouts::none, options.limits});
  if (!unpacked) return std::move(unpacked).error().context(path);
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
  Manifest manifest;
  HOP_TRY(manifest.config, add_text(text, media_type::config));
  LoadedImage out;
  for (size_t i = 0; i < image.layers.size(); ++i) {
    say(options, str(shown(names), ": layer ", i + 1, " of ", image.layers.size()));
    HOP_TRY(Fd blob, open_file_in_root(source, image.layers[i].path));
    HOP_TRY(Layer layer, add_layer(blob, image.layers[i].path, image.layers[i].digest,
                                   config.diff_ids[i], options.limits));
    manifest.layers.push_back(std::move(layer.blob));
    out.notes.insert(out.notes.end(), layer.notes.begin(), layer.notes.end());
  }
  HOP_TRY(Descriptor stored, add_text(manifest_text(manifest), media_type::manifest));
  give_names(index, stored, names);
  HOP_TRY(out.image, store_.read_image(stored));
  out.image.names = names;
  return out;
}

Result<std::vector<LoadedImage>> ImageStore::load(const std::string& path,
                                                  const LoadOptions& options) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  const auto all = [&]() -> Result<std::vector<LoadedImage>> {
    HOP_TRY(Fd source, writer.open_source(path, options));
    HOP_TRY(std::vector<SourceImage> images,
            read_source(source, machine_architecture()).context(path));
    std::string fallback =
        options.fallback_name.empty() ? name_from_path(path) : options.fallback_name;
    HOP_TRY(std::vector<Descriptor> index, read_index());
    std::vector<LoadedImage> out;
    for (const SourceImage& each : images) {
      // Several images without names cannot all have the archive's.
      HOP_TRY(std::vector<std::string> names,
              full_names(each, images.size() == 1 ? fallback : std::string()));
      HOP_TRY(LoadedImage loaded,
              writer.add_image(source, each, names, options, index).context(str("loading ", path)));
      out.push_back(std::move(loaded));
    }
    HOP_CHECK(writer.commit(index));
    return out;
  };
  auto result = all();
  if (!result) writer.collect_garbage();
  return result;
}

Result<LoadedImage> ImageStore::import_rootfs(const std::string& path, ImageConfig config,
                                              const LoadOptions& options) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  const auto all = [&]() -> Result<LoadedImage> {
    HOP_TRY(Fd file, open_fd(path, O_RDONLY));
    HOP_TRY(Writer::Layer layer, writer.add_layer(file, path, {}, {}, options.limits));
    config.diff_ids = {layer.diff_id};
    if (config.created.empty()) config.created = to_rfc3339(SystemClock().wall());
    if (config.os.empty()) config.os = "linux";
    if (config.architecture.empty()) config.architecture = machine_architecture();
    config.history = {{config.created, "", "Imported from " + path, false}};
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
    HOP_TRY(out.image, read_image(stored));
    out.image.names = names;
    HOP_CHECK(writer.commit(index));
    return out;
  };
  auto result = all();
  if (!result) writer.collect_garbage();
  return result;
}

}  // namespace hoplab::image
