#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/image/manifest.h"
#include "runtime/image/reference.h"
#include "runtime/image/source.h"
#include "runtime/image/unpack.h"

namespace hoplab::image {

struct StoredImage {
  Digest id;                       ///< Of the config: what docker calls the image's id.
  Descriptor manifest;             ///< Without annotations.
  std::vector<Digest> manifests;   ///< All in the index that have this config.
  std::vector<std::string> names;  ///< Full ("docker.io/library/nginx:latest"), sorted.
  /// Why it cannot be used: files of it are gone or unreadable. It then has an id (of the manifest
  /// when that is what is missing), manifests and names; all else may be empty.
  std::optional<Error> damage;
  ImageConfig config;
  std::vector<uint64_t> layer_bytes;  ///< Of the files in each layer, the base first.
  uint64_t bytes = 0;                 ///< Of all files in all layers.
};

struct LoadOptions {
  UnpackLimits limits;
  /// The name of an image whose archive tells only a tag or nothing: "alpine" from alpine.tar.
  std::string fallback_name;
  /// What the archive is called in messages; empty: its path, which then may also name an image.
  std::string title;
  /// Of an import: the comment in its history.
  std::string message;
  /// What is being done, for progress: "nginx:latest: layer 2 of 6".
  std::function<void(const std::string&)> say;
};

struct LoadedImage {
  StoredImage image;
  /// What could not be kept (UnpackReport::notes), and space that could not be given back.
  std::vector<std::string> notes;
};

struct RemovedImage {
  std::vector<std::string> untagged;  ///< Names that are gone.
  std::vector<Digest> deleted;        ///< The image itself, with its last name.
  uint64_t bytes = 0;                 ///< Of the deleted images.
  std::vector<std::string> notes;     ///< Space that could not be given back.
};

/// The images of one user: a folder that is itself an OCI image layout (index.json, blobs/; other
/// tools can read it), with every layer also unpacked once, ready for overlayfs, in
/// layers/HEX/diff (HEX: the DiffID). Everything is content-addressed and checked when it comes in.
///
/// Several processes may use one store: writers take turns (flock on the file "lock"), readers see
/// the old or the new index with all that belongs to it (a shared flock on the folder, against
/// which a writer holds an exclusive one while it changes the index). Who runs an image holds a
/// shared flock on its config (hold()); such an image is not deleted. A writer that is killed
/// leaves only tmp/, which the next writer clears. An object may be used by several threads.
class ImageStore {
 public:
  /// Makes the folder when it is not there (mode 0700). `whiteouts` says for which kind of overlay
  /// mount the layers are; `conflict` when the store has layers for the other kind.
  static Result<ImageStore> open(std::string folder, Whiteouts whiteouts);

  /// For those who only read: nullopt when nothing was ever loaded. Makes nothing; check_usable()
  /// comes before layers are used.
  static Result<std::optional<ImageStore>> find_folder(std::string folder, Whiteouts whiteouts);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// `conflict` when the layers are for the other kind of overlay mount, which would not see what
  /// they hide.
  [[nodiscard]] Result<void> check_usable() const;

  /// By name, then by id; also the damaged ones.
  [[nodiscard]] Result<std::vector<StoredImage>> list() const;
  /// By a name ("nginx" is docker.io/library/nginx:latest), an id or the unique start of one.
  /// `internal` when the image is damaged.
  [[nodiscard]] Result<StoredImage> find(std::string_view name_or_id) const;
  /// The directories to stack, the base first. A layer may be there more than once.
  [[nodiscard]] std::vector<std::string> layers(const StoredImage& image) const;
  /// The file for hold_image().
  [[nodiscard]] std::string hold_file(const StoredImage& image) const { return blob(image.id); }

  /// Loads all images of a tarball (plain or compressed) or folder: docker-archive or OCI layout.
  /// A name that another image has moves to the new one. All or nothing per call.
  Result<std::vector<LoadedImage>> load(const std::string& path, const LoadOptions& options);
  /// Makes an image of a tarball that holds a root file system. `config`: what a container runs;
  /// diff_ids and history are filled in.
  Result<LoadedImage> import_rootfs(const std::string& path, ImageConfig config,
                                    const LoadOptions& options);
  /// An image that loses its last name this way stays, nameless. Returns notes, as load() does.
  Result<std::vector<std::string>> tag(std::string_view name_or_id, const Reference& name);
  /// Takes a name away, and with its last name the image and what only it needed. `conflict` unless
  /// `force`: an id with several names; the last name of an image that runs, which by force loses
  /// the name only. An image that runs is not removed by its id.
  Result<RemovedImage> remove(std::string_view name_or_id, bool force);
  /// Removes images without a name, but for those that run.
  Result<RemovedImage> prune();
  /// Writes docker's archive format (with an OCI index, as docker does since 25).
  Result<void> save(const std::vector<std::string>& names, int fd) const;

 private:
  ImageStore(std::string folder, Whiteouts whiteouts, Fd directory)
      : folder_(std::move(folder)), whiteouts_(whiteouts), directory_(std::move(directory)) {}

  class Writer;
  friend class Writer;

  [[nodiscard]] std::string blob(const Digest& digest) const;
  [[nodiscard]] std::string layer(const Digest& diff_id) const;
  /// A lock on what the index names, LOCK_SH or LOCK_EX, until the descriptor is closed.
  [[nodiscard]] Result<Fd> lock_contents(int kind) const;
  // For holders of a lock: writers, and readers after lock_contents().
  [[nodiscard]] Result<std::vector<Descriptor>> read_index() const;
  [[nodiscard]] Result<std::vector<StoredImage>> read_images() const;
  [[nodiscard]] StoredImage read_image(const Descriptor& entry) const;
  [[nodiscard]] Result<void> fill_in(StoredImage& image) const;
  [[nodiscard]] Result<Manifest> read_manifest(const Descriptor& manifest) const;
  [[nodiscard]] Result<ImageConfig> read_config(const Digest& id) const;

  std::string folder_;
  Whiteouts whiteouts_;
  Fd directory_;
};

/// Keeps an image in its store until the descriptor is closed. `file`: ImageStore::hold_file().
/// Does not wait; `unavailable` when the image is being removed or gone.
Result<Fd> hold_image(const std::string& file);

}  // namespace hoplab::image
