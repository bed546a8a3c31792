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
                          const std::optional<Digest>& diff_id);
  /// For all layers of this writer together.
  void limit(const UnpackLimits& limits) { left_ = limits; }
  /// The folder, or the unpacked archive, that is loaded.
  Result<Fd> open_source(const std::string& path, const LoadOptions& options);
  /// Copies one image in, and puts it into `index` under `names`.
  Result<LoadedImage> add_image(const Fd& source, const SourceImage& image,
                                const std::vector<std::string>& names, const LoadOptions& options,
                                std::vector<Descriptor>& index);
  /// Makes the new index the store's and removes what it does not need any more. A removal that
  /// fails is no failure of the change: returns what to tell about it.
  Result<std::vector<std::string>> commit(const std::vector<Descriptor>& index);
  /// Removes blobs and layers that the store's index does not need. After a failure.
  void collect_garbage();

 private:
  // In staging_: one writer, one layer at a time.
  static constexpr const char* unpacked_name = "layer";
  static constexpr const char* incoming_name = "blob";
  static constexpr const char* unneeded_name = "unneeded";

  Writer(const ImageStore& store, Fd lock, std::string staging, Fd tmp)
      : store_(store), lock_(std::move(lock)), staging_(std::move(staging)), tmp_(std::move(tmp)) {}

  [[nodiscard]] Result<TarReader> open_layer(const Digest& blob, const std::string& name) const;
  Result<Digest> unpack_layer(const Digest& blob, const std::string& name);
  Result<Digest> hash_layer(const Digest& blob, const std::string& name);
  /// Gives the unpacked layer its name. One of that name that is damaged makes room.
  Result<void> keep_unpacked(const Digest& diff_id);
  Result<std::vector<std::string>> layer_notes(const Digest& diff_id) const;
  /// Of a layer's uncompressed archive: headers and padding of small files count here only.
  [[nodiscard]] uint64_t stream_limit() const { return left_.bytes * 2 + (1ULL << 30U); }
  Result<void> replace_index(const std::vector<Descriptor>& index);
  Result<void> move_unneeded(const std::vector<Descriptor>& index);

  const ImageStore& store_;
  Fd lock_;
  std::string staging_;  ///< A folder of its own below tmp/.
  Fd tmp_;               ///< The same, open.
  UnpackLimits left_;
  bool added_ = false;
  uint64_t moved_ = 0;
};

}  // namespace hoplab::image
