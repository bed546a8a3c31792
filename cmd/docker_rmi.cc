// docker tag, rmi, image prune: names of images.

#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_format.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

Result<int> run_tag(Session& session) {
  HOP_TRY(image::Reference name, image::Reference::parse(session.flags.args()[1]));
  if (name.tag.empty()) {
    return Error(ErrorCode::invalid, "refusing to create a tag with a digest reference");
  }
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(std::vector<std::string> notes, store.tag(session.flags.args()[0], name));
  print_notes(notes);
  return exit_ok;
}

constexpr FlagSpec rmi_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Force removal of the image"},
    {"no-prune", 0, FlagKind::boolean, "", "Do not delete untagged parents"},
};

void print_removed(const image::RemovedImage& removed) {
  for (const std::string& name : removed.untagged) {
    std::cout << "Untagged: " << image::Reference::parse(name)->familiar() << "\n";
  }
  for (const image::Digest& id : removed.deleted) std::cout << "Deleted: " << id.text() << "\n";
  print_notes(removed.notes);
}

Result<int> run_rmi(Session& session) {
  HOP_TRY(image::ImageStore store, open_images());
  int code = exit_ok;
  for (const std::string& each : session.flags.args()) {
    auto removed = store.remove(each, session.flags.on("force"));
    if (removed) {
      print_removed(*removed);
    } else {
      code = print_error(removed.error());
    }
  }
  return code;
}

constexpr FlagSpec prune_flags[] = {
    {"force", 'f', FlagKind::boolean, "", "Do not prompt for confirmation"},
};

Result<int> run_prune(Session& session) {
  if (!session.flags.on("force") && !confirmed("This will remove all dangling images.")) {
    return exit_ok;
  }
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(image::RemovedImage removed, store.prune());
  print_notes(removed.notes);
  if (!removed.deleted.empty()) std::cout << "Deleted Images:\n";
  for (const image::Digest& id : removed.deleted) std::cout << "deleted: " << id.text() << "\n";
  std::cout << (removed.deleted.empty() ? "" : "\n")
            << "Total reclaimed space: " << human_size(removed.bytes) << "\n";
  return exit_ok;
}

constexpr std::string_view tag_aliases[] = {"image tag"};
constexpr std::string_view rmi_aliases[] = {"image rm", "image remove"};

}  // namespace

extern const Verb tag_verb;
const Verb tag_verb{"tag",
                    "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
                    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
                    "  docker tag mine:1 mine:latest\n",
                    {},
                    2,
                    2,
                    run_tag,
                    tag_aliases};

extern const Verb rmi_verb;
const Verb rmi_verb{"rmi",
                    "rmi [OPTIONS] IMAGE [IMAGE...]",
                    "Remove one or more images",
                    "  docker rmi mine:1\n",
                    rmi_flags,
                    1,
                    1000,
                    run_rmi,
                    rmi_aliases};

extern const Verb image_prune_verb;
const Verb image_prune_verb{"image prune",
                            "image prune [OPTIONS]",
                            "Remove unused images",
                            "  docker image prune -f\n",
                            prune_flags,
                            0,
                            0,
                            run_prune};

}  // namespace hoplab::cmd::docker
