#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/image/store.h"

namespace hoplab::image {

/// The one writer of a store: holds its lock, stages what comes in under tmp/ and moves it to its
/// content's name when it is complete and checked. Private to store*.cc.
class ImageStore::Writer {
 public:
  /// Waits for the lock; clears what a killed writer left.
  static Result<Writer> begin(const ImageStore& store);

  struct Layer {
    Descriptor blob;
    Digest diff_id;
    std::vector<std::string> notes;
  };

  /// Copies a blob in; `bad_request` when its bytes are not what was promised.
  Result<Descriptor> add_blob(const Fd& source, const std::string& name,
                              const std::optional<Digest>& expected, std::string_view media_type);
  Result<Descriptor> add_text(const std::string& text, std::string_view media_type);
  /// Copies a layer in and unpacks it, unless its content is there already.
  Result<Layer> add_layer(const Fd& source, const std::string& name,
                          const std::optional<Digest>& expected,
                          const std::optional<Digest>& diff_id, const UnpackLimits& limits);
  /// The folder, or the unpacked archive, that is loaded.
  Result<Fd> open_source(const std::string& path, const LoadOptions& options);
  /// Copies one image in, and puts it into `index` under `names`.
  Result<LoadedImage> add_image(const Fd& source, const SourceImage& image,
                                const std::vector<std::string>& names, const LoadOptions& options,
                                std::vector<Descriptor>& index);
  /// Makes the new index the store's and removes what it does not need any more.
  Result<void> commit(const std::vector<Descriptor>& index);
  /// Removes blobs and layers that the store's index does not need. After a failure.
  void collect_garbage();

 private:
  Writer(const ImageStore& store, Fd lock, Fd tmp)
      : store_(store), lock_(std::move(lock)), tmp_(std::move(tmp)) {}

  [[nodiscard]] Result<TarReader> open_layer(const Digest& blob, const std::string& name) const;
  Result<Digest> unpack_layer(const Digest& blob, const std::string& name,
                              const UnpackLimits& limits);
  Result<Digest> hash_layer(const Digest& blob, const std::string& name,
                            const UnpackLimits& limits);
  Result<std::vector<std::string>> layer_notes(const Digest& diff_id) const;
  Result<void> remove_unneeded(const std::vector<Descriptor>& index);

  const ImageStore& store_;
  Fd lock_;
  Fd tmp_;
};

}  // namespace hoplab::image
