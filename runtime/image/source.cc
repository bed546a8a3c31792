#include "runtime/image/source.h"

#include <fcntl.h>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/manifest.h"

namespace hoplab::image {

namespace {

constexpr int index_depth = 4;

Result<std::string> read_document(const Fd& directory, const std::string& path) {
  HOP_TRY(Fd file, open_file_in_root(directory, path));
  return read_all(file.get(), document_limit).context(path);
}

/// A document that a descriptor names: its bytes must be what was promised.
Result<std::string> read_described(const Fd& directory, const Descriptor& descriptor) {
  HOP_TRY(std::string text, read_document(directory, blob_path(descriptor.digest)));
  Digest found = digest_of(text);
  if (found != descriptor.digest) {
    return Error(ErrorCode::bad_request,
                 str(blob_path(descriptor.digest), ": damaged, its content is ", found.text()));
  }
  return text;
}

std::vector<std::string> names_of(const Descriptor& descriptor) {
  for (std::string_view key : {name_annotation, ref_annotation}) {
    auto found = descriptor.annotations.find(std::string(key));
    if (found != descriptor.annotations.end()) return {found->second};
  }
  return {};
}

bool is_index(const Descriptor& it) {
  return it.media_type == media_type::index || it.media_type == media_type::docker_list;
}

bool is_manifest(const Descriptor& it) {
  return it.media_type.empty() || it.media_type == media_type::manifest ||
         it.media_type == media_type::docker_manifest;
}

/// An entry without a platform is meant for everybody.
bool fits(const Descriptor& it, std::string_view architecture) {
  return (it.os.empty() || it.os == "linux") &&
         (it.architecture.empty() || it.architecture == architecture);
}

class LayoutReader {
 public:
  LayoutReader(const Fd& directory, std::string_view architecture)
      : directory_(directory), architecture_(architecture) {}

  Result<std::vector<SourceImage>> run() {
    HOP_TRY(std::string text, read_document(directory_, index_file));
    HOP_TRY(std::vector<Descriptor> entries, parse_index(text));
    for (const Descriptor& each : entries) {
      HOP_CHECK(read_entry(each, names_of(each), 0));
    }
    if (images_.empty() && !skipped_.empty()) {
      return Error(ErrorCode::not_found, str("the image is for ", join(skipped_, ", "),
                                             "; this machine is linux/", architecture_));
    }
    return std::move(images_);
  }

 private:
  Result<void> read_entry(const Descriptor& entry, const std::vector<std::string>& names,
                          int depth) {
    if (is_index(entry)) return read_nested(entry, names, depth);
    if (!is_manifest(entry)) return {};  // signatures, attestations, charts
    if (!fits(entry, architecture_)) {
      skipped_.push_back(entry.os + "/" + entry.architecture);
      return {};
    }
    HOP_TRY(std::string text, read_described(directory_, entry));
    HOP_TRY(Manifest manifest, parse_manifest(text));
    SourceImage image{names, {blob_path(manifest.config.digest), manifest.config.digest, {}}, {}};
    for (const Descriptor& layer : manifest.layers) {
      image.layers.push_back({blob_path(layer.digest), layer.digest, layer.media_type});
    }
    images_.push_back(std::move(image));
    return {};
  }

  /// One image for several platforms: the first that fits.
  Result<void> read_nested(const Descriptor& entry, const std::vector<std::string>& names,
                           int depth) {
    if (depth == index_depth) {
      return Error(ErrorCode::bad_request, "index.json: indexes nested too deep");
    }
    HOP_TRY(std::string text, read_described(directory_, entry));
    HOP_TRY(std::vector<Descriptor> entries, parse_index(text));
    size_t before = images_.size();
    for (const Descriptor& each : entries) {
      HOP_CHECK(read_entry(each, names, depth + 1));
      if (images_.size() > before) break;
    }
    return {};
  }

  const Fd& directory_;
  std::string_view architecture_;
  std::vector<SourceImage> images_;
  std::vector<std::string> skipped_;
};

Result<std::vector<SourceImage>> read_docker_archive(const Fd& directory) {
  HOP_TRY(std::string text, read_document(directory, "manifest.json"));
  HOP_TRY(std::vector<DockerArchiveImage> entries, parse_docker_manifest(text));
  std::vector<SourceImage> out;
  for (DockerArchiveImage& each : entries) {
    SourceImage image{std::move(each.repo_tags), {std::move(each.config), {}, {}}, {}};
    for (std::string& layer : each.layers) image.layers.push_back({std::move(layer), {}, {}});
    out.push_back(std::move(image));
  }
  return out;
}

bool has(const Fd& directory, const std::string& path) {
  return open_in_root(directory, path, O_PATH).ok();
}

}  // namespace

Result<std::vector<SourceImage>> read_source(const Fd& directory, std::string_view architecture) {
  // Docker writes both since version 25; its manifest.json then has the names that it shows.
  Result<std::vector<SourceImage>> images =
      has(directory, "manifest.json") ? read_docker_archive(directory)
      : has(directory, index_file)    ? LayoutReader(directory, architecture).run()
                                      : Error(ErrorCode::bad_request,
                                              "no image: neither manifest.json (docker save) nor "
                                                 "index.json (OCI layout) is in it");
  if (images && images->empty()) {
    return Error(ErrorCode::bad_request, "there is no image in it");
  }
  return images;
}

}  // namespace hoplab::image
