// docker images, image ls, history, inspect: what there is.

#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_format.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "runtime/proc/image.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec images_flags[] = {
    {"all", 'a', FlagKind::boolean, "", "Show all images (default hides intermediate images)"},
    {"format", 0, FlagKind::value, "", "Pretty-print images using a Go template, or json"},
    {"no-trunc", 0, FlagKind::boolean, "", "Don't truncate output"},
    {"quiet", 'q', FlagKind::boolean, "", "Only show image IDs"},
};

const std::vector<Column> image_columns{{"Repository", "REPOSITORY"},
                                        {"Tag", "TAG"},
                                        {"ID", "IMAGE ID"},
                                        {"CreatedSince", "CREATED"},
                                        {"Size", "SIZE"}};

std::vector<Column> all_image_columns() {
  auto all = image_columns;
  all.push_back({"CreatedAt", "CREATED AT"});
  all.push_back({"Digest", "DIGEST"});
  return all;
}

struct Row {
  image::Reference name;
  bool named = true;
  image::Digest id;
  std::string created;
  uint64_t bytes = 0;
};

/// The images that hoplab itself brings: they are made of this machine's own programs.
std::vector<Row> builtin_rows() {
  std::vector<Row> out;
  for (const proc::Image& each : proc::builtin_images()) {
    Row row;
    row.name = *image::Reference::parse(each.name);
    row.id = image::digest_of("hoplab built-in image " + each.name);
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::vector<Row>> all_rows() {
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(std::vector<image::StoredImage> images, store.list());
  std::vector<Row> out;
  for (const image::StoredImage& each : images) {
    if (each.damage) {
      print_notes({each.damage->message()});
      continue;
    }
    Row row{{}, false, each.id, each.config.created, each.bytes};
    if (each.names.empty()) out.push_back(row);
    for (const std::string& name : each.names) {
      row.name = *image::Reference::parse(name);
      row.named = true;
      out.push_back(row);
    }
  }
  for (Row& each : builtin_rows()) {
    bool hidden = false;  // a loaded image of the name goes first
    for (const Row& other : out) hidden = hidden || (other.named && other.name == each.name);
    if (!hidden) out.push_back(std::move(each));
  }
  return out;
}

/// "nginx" takes every tag, "nginx:1.21" the one.
bool matches(const Row& row, std::string_view wanted) {
  auto name = image::Reference::parse(wanted);
  if (!row.named || !name) return false;
  bool with_tag =
      wanted.find(':', wanted.rfind('/') == std::string_view::npos ? 0 : wanted.rfind('/')) !=
      std::string_view::npos;
  return row.name.registry == name->registry && row.name.repository == name->repository &&
         (!with_tag || row.name.tag == name->tag);
}

Json json_of(const Row& row, bool whole_id, WallTime now) {
  return {{"Repository", row.named ? row.name.familiar_name() : "<none>"},
          {"Tag", row.named ? row.name.tag : "<none>"},
          {"Digest", "<none>"},
          {"ID", whole_id ? row.id.text() : row.id.short_id()},
          {"CreatedSince", created_since(row.created, now)},
          {"CreatedAt", row.created.empty() ? "N/A" : row.created},
          {"Size", human_size(row.bytes)}};
}

Result<int> run_images(Session& session) {
  HOP_TRY(std::vector<Row> rows, all_rows());
  if (!session.flags.args().empty()) {
    std::erase_if(rows, [&](const Row& row) { return !matches(row, session.flags.args()[0]); });
  }
  WallTime now = SystemClock().wall();
  std::vector<Json> shown;
  for (const Row& row : rows) shown.push_back(json_of(row, session.flags.on("no-trunc"), now));
  std::string format = session.flags.on("quiet") ? "{{.ID}}" : session.flags.get("format");
  HOP_TRY(std::string text, print_rows(format, image_columns, all_image_columns(), shown));
  std::cout << text;
  return exit_ok;
}

constexpr std::string_view images_aliases[] = {"image ls", "image list"};

constexpr FlagSpec history_flags[] = {
    {"format", 0, FlagKind::value, "", "Pretty-print images using a Go template, or json"},
    {"no-trunc", 0, FlagKind::boolean, "", "Don't truncate output"},
    {"quiet", 'q', FlagKind::boolean, "", "Only show image IDs"},
};

std::string cut(std::string text, size_t width, bool whole) {
  if (whole || text.size() <= width) return text;
  return text.substr(0, width - 1) + "…";
}

/// Newest first; the image's id stands on the first line only, as for an image that was not built
/// here.
Result<int> run_history(Session& session) {
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(image::StoredImage image, store.find(session.flags.args()[0]));
  bool whole = session.flags.on("no-trunc");
  WallTime now = SystemClock().wall();
  std::vector<Json> rows;
  size_t layer = image.layer_bytes.size();
  for (auto it = image.config.history.rbegin(); it != image.config.history.rend(); ++it) {
    uint64_t bytes = it->empty_layer || layer == 0 ? 0 : image.layer_bytes[--layer];
    std::string id = rows.empty() ? (whole ? image.id.text() : image.id.short_id()) : "<missing>";
    rows.push_back({{"ID", id},
                    {"CreatedSince", created_since(it->created, now)},
                    {"CreatedBy", cut(it->created_by, 45, whole)},
                    {"Size", human_size(bytes)},
                    {"Comment", it->comment}});
  }
  const std::vector<Column> columns{{"ID", "IMAGE"},
                                    {"CreatedSince", "CREATED"},
                                    {"CreatedBy", "CREATED BY"},
                                    {"Size", "SIZE"},
                                    {"Comment", "COMMENT"}};
  std::string format = session.flags.on("quiet") ? "{{.ID}}" : session.flags.get("format");
  HOP_TRY(std::string text, print_rows(format, columns, columns, rows));
  std::cout << text;
  return exit_ok;
}

constexpr std::string_view history_aliases[] = {"image history"};

}  // namespace

extern const Verb images_verb;
const Verb images_verb{"images",
                       "images [OPTIONS] [REPOSITORY[:TAG]]",
                       "List images",
                       "  docker images\n"
                       "  docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}'\n",
                       images_flags,
                       0,
                       1,
                       run_images,
                       images_aliases};

extern const Verb history_verb;
const Verb history_verb{"history",
                        "history [OPTIONS] IMAGE",
                        "Show the history of an image",
                        "  docker history alpine:3.15\n",
                        history_flags,
                        1,
                        1,
                        run_history,
                        history_aliases};

}  // namespace hoplab::cmd::docker
