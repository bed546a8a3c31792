#include "cmd/kubectl_files.h"

#include <algorithm>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::cmd::kubectl {

namespace {

namespace fs = std::filesystem;

bool is_manifest(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

template <typename Iterator>
Result<std::vector<std::string>> manifests_below(const std::string& folder) {
  std::error_code failed;
  std::vector<std::string> files;
  for (Iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    if (is_manifest(it->path()) && it->is_regular_file(failed)) files.push_back(it->path());
  }
  if (failed) return local_error(folder + ": " + failed.message());
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<std::string>> expand(const Session& session, const std::string& path) {
  const bool recursive = session.flags.on("recursive");
  std::error_code failed;
  if (path == "-") return std::vector<std::string>{path};
  if (path.starts_with("http://") || path.starts_with("https://")) {
    return local_error(
        str("cannot read \"", path,
            "\": hoplab's own kubectl reads files only. Fetch it first:\n  curl -fsSL ", path,
            " | hoplab kubectl ", session.verb, " -f -"));
  }
  if (!fs::exists(path, failed)) return local_error("the path \"" + path + "\" does not exist");
  if (!fs::is_directory(path, failed)) return std::vector<std::string>{path};
  HOP_TRY(auto files, recursive ? manifests_below<fs::recursive_directory_iterator>(path)
                                : manifests_below<fs::directory_iterator>(path));
  if (files.empty()) {
    return local_error("error reading [" + path +
                       "]: recognized file extensions are [.json .yaml .yml]");
  }
  return files;
}

Result<FileObject> place(const Session& session, Json object, const std::string& file) {
  FileObject out;
  const std::string api_version = string_or(object, "apiVersion");
  const std::string kind = string_or(object, "kind");
  out.kind = api::find_kind(api_version, kind);
  if (out.kind == nullptr) {
    return local_error(str("unable to recognize \"", file, "\": no matches for kind \"", kind,
                           "\" in version \"", api_version, "\""));
  }
  const Json& metadata = member(object, "metadata");
  if (metadata.is_null()) {
    object["metadata"] = Json::object();
  } else if (!metadata.is_object()) {
    return local_error(
        str("error when reading \"", file, "\": metadata of the ", kind, " is no map"));
  }
  out.name = api::name_of(object);
  out.file = file;
  if (out.kind->namespaced) {
    std::string own = api::namespace_of(object);
    if (!own.empty() && session.namespace_given && own != session.namespace_name) {
      return local_error(str("the namespace from the provided object \"", own,
                             "\" does not match the namespace \"", session.namespace_name,
                             "\". You must pass '--namespace=", own,
                             "' to perform this operation."));
    }
    out.namespace_name = own.empty() ? session.namespace_name : own;
    object["metadata"]["namespace"] = out.namespace_name;
  }
  out.object = std::move(object);
  return out;
}

/// What kubectl's validation says about a document without kind or apiVersion; "" when `message`
/// is about something else.
std::string validation_text(std::string_view message, const std::string& text,
                            const std::string& file) {
  std::string what;
  if (message.find("expected an object with apiVersion and kind") != std::string_view::npos) {
    what = "invalid object to validate";
  } else if (message.ends_with(": kind not set")) {
    auto object = api::parse_yaml(text, file);
    const bool both = object && member(*object, "apiVersion").is_null();
    what = both ? "[apiVersion not set, kind not set]" : "kind not set";
  } else if (message.ends_with(": apiVersion not set")) {
    what = "apiVersion not set";
  }
  if (what.empty()) return {};
  return str("error validating \"", file, "\": error validating data: ", what,
             "; if you choose to ignore these errors, turn validation off with --validate=false");
}

/// The documents of a YAML text as kubectl's reader cuts it: at lines of three dashes.
std::vector<std::string> documents_of(const std::string& text) {
  if (trim(text).starts_with('{')) return {text};  // JSON
  std::vector<std::string> out(1);
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (trim(line) == "---" && line.starts_with("---")) {
      out.emplace_back();
    } else {
      out.back() += line;
    }
    at = end;
  }
  return out;
}

Error unreadable(const Session& session, const std::string& text, const std::string& shown,
                 std::string message) {
  // The parser's message starts with the file's name.
  if (message.starts_with(shown + ": ")) message.erase(0, shown.size() + 2);
  const bool validates =
      session.verb == "apply" || session.verb == "create" || session.verb == "replace";
  if (auto said = validation_text(message, text, shown); validates && !said.empty()) {
    return local_error(std::move(said));
  }
  const bool yaml = !trim(text).starts_with('{');
  return local_error(str("error parsing ", shown, ": ",
                         yaml ? "error converting YAML to JSON: yaml: " : "", message));
}

/// What stands before a document that cannot be read is taken, what follows it is not: as kubectl.
void read_one(const Session& session, const std::string& path, FileObjects& out) {
  const std::string shown = path == "-" ? "STDIN" : path;
  auto text = path == "-" ? read_all(0) : read_file(path);
  if (!text) {
    out.errors.push_back(local_error(text.error().message()));
    return;
  }
  for (const std::string& one : documents_of(*text)) {
    auto documents = api::parse_manifest(one, shown);
    if (!documents) {
      out.errors.push_back(unreadable(session, one, shown, documents.error().message()));
      return;
    }
    for (auto& document : *documents) {
      auto placed = place(session, std::move(document.object), shown);
      if (placed) {
        out.objects.push_back(*std::move(placed));
      } else {
        out.errors.push_back(std::move(placed).error());
      }
    }
  }
}

}  // namespace

Result<FileObjects> read_files(Session& session) {
  FileObjects out;
  for (const std::string& given : session.flags.all("filename")) {
    for (std::string_view one : split(given, ',')) {
      HOP_TRY(auto paths, expand(session, std::string(one)));
      for (const std::string& path : paths) read_one(session, path, out);
    }
  }
  if (out.objects.empty() && out.errors.empty()) {
    return local_error(str("no objects passed to ", session.verb));
  }
  return out;
}

Result<std::vector<Target>> targets_of_files(Session& session) {
  HOP_TRY(FileObjects files, read_files(session));
  if (!files.errors.empty()) return files.errors[0];
  std::vector<Target> targets;
  for (const FileObject& file : files.objects)
    targets.push_back({file.kind, file.name, file.namespace_name});
  return targets;
}

}  // namespace hoplab::cmd::kubectl
