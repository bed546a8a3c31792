#include "runtime/proc/image.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/proc/image_nginx.h"

namespace hoplab::proc {

namespace {

struct Alias {
  std::string_view written;
  std::string_view name;
};

// Other names under which the same software is published.
constexpr Alias aliases[] = {
    {"whoami", "traefik/whoami"},         {"containous/whoami", "traefik/whoami"},
    {"netshoot", "nicolaka/netshoot"},    {"coredns/coredns", "coredns"},
    {"google_containers/pause", "pause"}, {"rancher/mirrored-pause", "pause"},
};

Image shell_image(std::string name, std::string description, std::string shell) {
  Image image;
  image.name = std::move(name);
  image.description = std::move(description);
  image.cmd = {std::move(shell)};
  return image;
}

Image role_image(std::string name, std::string description, std::string verb) {
  Image image;
  image.name = std::move(name);
  image.description = std::move(description);
  image.entrypoint = {executable_in_container, std::move(verb)};
  image.role = true;
  return image;
}

std::vector<Image> make_images() {
  Image nginx;
  nginx.name = "nginx";
  nginx.description = "web server with the familiar welcome page on port 80";
  nginx.cmd = {"nginx", "-g", "daemon off;"};
  nginx.env = {{"NGINX_VERSION", "1.21.6"}};
  nginx.stop_signal = SIGQUIT;
  nginx.programs = {"/usr/local/bin/nginx"};
  nginx.files = {{"/usr/share/nginx/html/index.html", nginx_welcome_page},
                 {"/usr/share/nginx/html/50x.html", nginx_error_page},
                 {"/etc/nginx/nginx.conf", nginx_configuration}};

  Image whoami;
  whoami.name = "traefik/whoami";
  whoami.description = "answers on port 80 with its own name, addresses and the request";
  whoami.entrypoint = {"/whoami"};
  whoami.programs = {"/whoami"};

  Image pause;
  pause.name = "pause";
  pause.description = "does nothing, as the container that holds a pod's namespaces";
  pause.entrypoint = {"/pause"};

  return {
      std::move(nginx),
      std::move(whoami),
      shell_image("nicolaka/netshoot", "this machine's network tools", "bash"),
      shell_image("busybox", "this machine's tools", "sh"),
      shell_image("alpine", "this machine's tools", "/bin/sh"),
      shell_image("ubuntu", "this machine's tools", "bash"),
      shell_image("debian", "this machine's tools", "bash"),
      std::move(pause),
      role_image("calico/node", "hoplab's calico-node: pod routes, tunnel, policy", "calico-node"),
      role_image("kube-proxy", "hoplab's kube-proxy: service rules", "kube-proxy"),
      role_image("coredns", "hoplab's cluster DNS", "coredns"),
  };
}

bool is_reference_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '/' || c == ':' || c == '@';
}

Error bad_reference(std::string_view reference, std::string_view why) {
  return Error(ErrorCode::invalid,
               str("couldn't parse image reference \"", reference, "\": ", why));
}

/// "k8s.gcr.io/coredns/coredns:v1.8.4" -> "coredns/coredns".
Result<std::string> repository_of(std::string_view reference) {
  std::string_view rest = reference;
  if (rest.empty() || rest.size() > 400) return bad_reference(reference, "empty or too long");
  if (!std::all_of(rest.begin(), rest.end(), is_reference_char)) {
    return bad_reference(reference, "invalid reference format");
  }
  rest = rest.substr(0, rest.find('@'));
  auto slash = rest.rfind('/');
  auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    if (colon + 1 == rest.size()) return bad_reference(reference, "the tag is empty");
    rest = rest.substr(0, colon);
  }
  auto first = rest.substr(0, rest.find('/'));
  bool is_registry = first.size() < rest.size() &&
                     (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  if (is_registry) rest.remove_prefix(first.size() + 1);
  if (rest.starts_with("library/")) rest.remove_prefix(8);
  for (std::string_view part : split(rest, '/')) {
    if (part.empty()) return bad_reference(reference, "invalid reference format");
  }
  if (rest.empty() || rest.find(':') != std::string_view::npos) {
    return bad_reference(reference, "invalid reference format");
  }
  if (to_lower(rest) != rest) {
    return bad_reference(reference, "repository name must be lowercase");
  }
  return std::string(rest);
}

}  // namespace

const std::vector<Image>& builtin_images() {
  static const std::vector<Image> images = make_images();
  return images;
}

Result<Image> resolve_image(std::string_view reference) {
  HOP_TRY(std::string name, repository_of(reference));
  for (const Alias& alias : aliases) {
    if (alias.written == name) name = alias.name;
  }
  std::vector<std::string> known;
  for (const Image& image : builtin_images()) {
    if (image.name == name) return image;
    known.push_back(image.name);
  }
  return Error(
      ErrorCode::not_found,
      str("image \"", reference, "\" is none of hoplab's built-in images (", join(known, ", "),
          "), whose tags and registries are ignored; nothing is pulled; "
          "\"hoplab docker load -i FILE\" brings an image in"));
}

std::vector<std::string> command_line(const Image& image, const std::vector<std::string>& command,
                                      const std::vector<std::string>& args) {
  std::vector<std::string> line = command.empty() ? image.entrypoint : command;
  const auto& tail = args.empty() && command.empty() ? image.cmd : args;
  line.insert(line.end(), tail.begin(), tail.end());
  return line;
}

}  // namespace hoplab::proc
