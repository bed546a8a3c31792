#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/api/yaml_read.h"

namespace hoplab::api {

/// Thrown through yaml-cpp and caught in read_yaml(); nobody else sees it.
struct YamlMistake {
  YAML::Mark mark;
  std::string what;
};

/// Turns yaml-cpp's events into JSON without a node tree in between. Internal to yaml_read.cc
/// (the only header of the folder that knows yaml-cpp).
class YamlBuilder final : public YAML::EventHandler {
 public:
  /// The document just read; the builder is ready for the next one.
  YamlDocument take_document();

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  /// A collection that is still open.
  struct Frame {
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    Json value;
    Json merged = Json::object();    ///< From `<<`: given way to by the map's own keys.
    std::optional<std::string> key;  ///< Set between a map's key and its value.
    int key_line = 0;
    bool key_is_merge = false;
    size_t path_length = 0;  ///< Of path_ before this frame's current member was added.
  };

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Json empty);
  void close();
  /// Puts a finished value where it belongs: root, list item, key or member.
  void place(const YAML::Mark& mark, Json value, YAML::anchor_t anchor);
  void take_key(const YAML::Mark& mark, Frame& frame, const Json& value);
  void merge(const YAML::Mark& mark, Frame& frame, const Json& value);
  /// Notes where the value that starts here stands, and extends the path by it.
  void enter_member(const YAML::Mark& mark);
  void remember(const YAML::Mark& mark, YAML::anchor_t anchor, const Json& value);
  void spend(const YAML::Mark& mark, const Json& value);
  [[nodiscard]] bool expects_key() const;

  YamlDocument document_;
  int last_start_ = -1;  ///< Offset of the document before.
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Json> anchors_;
  std::string path_;
  bool next_is_merge_ = false;
  size_t copied_bytes_ = 0;
};

}  // namespace hoplab::api
