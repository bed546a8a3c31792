// docker load, import, save: images from and to files.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_change.h"
#include "cmd/docker_output.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

/// A file that is gone with its owner: what came over standard input.
class SpooledInput {
 public:
  static Result<SpooledInput> read(int fd) {
    std::string pattern = (std::filesystem::temp_directory_path() / "hoplab-image-XXXXXX").string();
    SpooledInput out;
    out.file_ = Fd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!out.file_) return Error::from_errno(errno, "making the temporary file " + pattern);
    ::unlink(pattern.c_str());
    std::array<char, 65536> buffer{};
    for (;;) {
      ssize_t n = ::read(fd, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error::from_errno(errno, "reading standard input");
      if (n == 0) break;
      HOP_CHECK(write_all(out.file_.get(), {buffer.data(), static_cast<size_t>(n)})
                    .context("keeping standard input in a temporary file"));
    }
    return out;
  }
  [[nodiscard]] std::string path() const { return str("/proc/self/fd/", file_.get()); }

 private:
  Fd file_;
};

constexpr FlagSpec load_flags[] = {
    {"input", 'i', FlagKind::value, "", "Read from tar archive file (or folder), instead of STDIN"},
    {"quiet", 'q', FlagKind::boolean, "", "Suppress the load output"},
};

image::LoadOptions progress(bool quiet) {
  image::LoadOptions options;
  if (!quiet && ::isatty(STDERR_FILENO) != 0) {
    options.say = [](const std::string& line) { std::cerr << line << "\n"; };
  }
  return options;
}

Result<int> run_load(Session& session) {
  std::string path = session.flags.get("input");
  bool piped = path.empty() || path == "-";
  if (piped && ::isatty(STDIN_FILENO) != 0) {
    std::cerr << "requested load from stdin, but stdin is empty\n";
    return exit_failure;
  }
  SpooledInput spooled;
  if (piped) {
    HOP_TRY(spooled, SpooledInput::read(STDIN_FILENO));
    path = spooled.path();
  }
  image::LoadOptions options = progress(session.flags.on("quiet"));
  if (piped) options.title = "standard input";
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(std::vector<image::LoadedImage> loaded, store.load(path, options));
  for (const image::LoadedImage& each : loaded) {
    print_notes(each.notes);
    if (each.image.names.empty()) std::cout << "Loaded image ID: " << each.image.id.text() << "\n";
    for (const std::string& name : each.image.names) {
      std::cout << "Loaded image: " << image::Reference::parse(name)->familiar() << "\n";
    }
  }
  return exit_ok;
}

constexpr FlagSpec import_flags[] = {
    {"change", 'c', FlagKind::value, "", "Apply Dockerfile instruction to the created image"},
    {"message", 'm', FlagKind::value, "", "Set commit message for imported image"},
};

Result<int> run_import(Session& session) {
  const std::vector<std::string>& args = session.flags.args();
  std::string path = args[0];
  if (path.starts_with("http://") || path.starts_with("https://")) {
    return Error(ErrorCode::unsupported,
                 "hoplab fetches nothing; download " + path + " yourself and give the file's name");
  }
  image::ImageConfig config;
  for (const std::string& change : session.flags.all("change")) {
    HOP_CHECK(apply_change(config, change));
  }
  SpooledInput spooled;
  image::LoadOptions options = progress(true);
  options.title = path;  // "-" in the history, as docker has it
  options.message = session.flags.get("message");
  if (path == "-") {
    HOP_TRY(spooled, SpooledInput::read(STDIN_FILENO));
    path = spooled.path();
  }
  if (args.size() > 1) options.fallback_name = args[1];
  HOP_TRY(image::ImageStore store, open_images());
  HOP_TRY(image::LoadedImage imported, store.import_rootfs(path, std::move(config), options));
  print_notes(imported.notes);
  std::cout << imported.image.id.text() << "\n";
  return exit_ok;
}

constexpr FlagSpec save_flags[] = {
    {"output", 'o', FlagKind::value, "", "Write to a file, instead of STDOUT"},
};

Result<int> run_save(Session& session) {
  HOP_TRY(image::ImageStore store, open_images());
  for (const std::string& each : session.flags.args()) HOP_CHECK(store.find(each));
  std::string path = session.flags.get("output");
  if (path.empty()) {
    if (::isatty(STDOUT_FILENO) != 0) {
      std::cerr << "cowardly refusing to save to a terminal. Use the -o flag or redirect\n";
      return exit_failure;
    }
    HOP_CHECK(store.save(session.flags.args(), STDOUT_FILENO));
    return exit_ok;
  }
  HOP_CHECK(write_output(path, [&](int fd) { return store.save(session.flags.args(), fd); }));
  return exit_ok;
}

constexpr std::string_view load_aliases[] = {"image load"};
constexpr std::string_view import_aliases[] = {"image import"};
constexpr std::string_view save_aliases[] = {"image save"};

}  // namespace

extern const Verb load_verb;
const Verb load_verb{
    "load",
    "load [OPTIONS]",
    "Load an image from a tar archive, a folder or STDIN (docker save, OCI layout)",
    "  docker load -i alpine.tar.gz\n"
    "  umoci-made folders, too: docker load -i ./alpine-oci\n",
    load_flags,
    0,
    0,
    run_load,
    load_aliases};

extern const Verb import_verb;
const Verb import_verb{"import",
                       "import [OPTIONS] file|- [REPOSITORY[:TAG]]",
                       "Import the contents from a tarball to create a filesystem image",
                       "  debootstrap --variant=minbase bookworm root && "
                       "tar -C root -c . | docker import - mine:1\n"
                       "  docker import -c 'CMD [\"/bin/sh\"]' rootfs.tar.gz mine\n",
                       import_flags,
                       1,
                       2,
                       run_import,
                       import_aliases};

extern const Verb save_verb;
const Verb save_verb{"save",
                     "save [OPTIONS] IMAGE [IMAGE...]",
                     "Save one or more images to a tar archive (streamed to STDOUT by default)",
                     "  docker save -o mine.tar mine:1\n",
                     save_flags,
                     1,
                     1000,
                     run_save,
                     save_aliases};

}  // namespace hoplab::cmd::docker
