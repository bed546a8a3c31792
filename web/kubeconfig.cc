#include "web/kubeconfig.h"

#include <charconv>

#include "runtime/base/base64.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::web {

namespace {

/// The `kind` member of the entry `name` in one of a kubeconfig's lists.
Result<Json> find_named(const Json& config, const std::string& list, const std::string& kind,
                        const std::string& name, const std::string& file) {
  for (const Json& entry : member(config, list)) {
    if (string_or(entry, "name") == name) return member(entry, kind);
  }
  return Error(ErrorCode::not_found, file + ": no " + kind + " named \"" + name + "\"");
}

/// FIELD-data in base64, or the file that FIELD names.
Result<std::string> data_or_file(const Json& entry, const std::string& field,
                                 const std::string& file) {
  std::string data = string_or(entry, field + "-data");
  if (!data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) return Error(ErrorCode::invalid, file + ": " + field + "-data is not base64");
    return *decoded;
  }
  std::string path = string_or(entry, field);
  if (path.empty()) return std::string();
  if (path[0] != '/') path = file.substr(0, file.find_last_of('/') + 1) + path;
  return read_file(path);
}

}  // namespace

std::string kubeconfig_text(const std::string& cluster, const ClientConfig& config) {
  std::string out =
      "apiVersion: v1\nkind: Config\ncurrent-context: " + cluster + "\npreferences: {}\n";
  out += "clusters:\n- name: " + cluster + "\n  cluster:\n    server: " + config.server + "\n";
  if (!config.server_name.empty()) out += "    tls-server-name: " + config.server_name + "\n";
  out += "    certificate-authority-data: " + base64_encode(config.ca_pem) + "\n";
  out += "contexts:\n- name: " + cluster + "\n  context:\n    cluster: " + cluster +
         "\n    user: " + cluster + "\n    namespace: " + config.namespace_name + "\n";
  out += "users:\n- name: " + cluster + "\n  user:\n";
  if (!config.bearer_token.empty()) return out + "    token: " + config.bearer_token + "\n";
  out += "    client-certificate-data: " + base64_encode(config.own.certificate_pem) + "\n";
  out += "    client-key-data: " + base64_encode(config.own.key_pem) + "\n";
  return out;
}

Result<ClientConfig> parse_kubeconfig(std::string_view text, const std::string& file,
                                      const std::string& context) {
  HOP_TRY(Json config, api::parse_yaml(text, file));
  std::string wanted = context.empty() ? string_or(config, "current-context") : context;
  HOP_TRY(Json chosen, find_named(config, "contexts", "context", wanted, file));
  HOP_TRY(Json cluster,
          find_named(config, "clusters", "cluster", string_or(chosen, "cluster"), file));
  HOP_TRY(Json user, find_named(config, "users", "user", string_or(chosen, "user"), file));
  ClientConfig out;
  out.server = string_or(cluster, "server");
  out.server_name = string_or(cluster, "tls-server-name");
  out.namespace_name = string_or(chosen, "namespace", "default");
  HOP_TRY(out.ca_pem, data_or_file(cluster, "certificate-authority", file));
  HOP_TRY(out.own.certificate_pem, data_or_file(user, "client-certificate", file));
  HOP_TRY(out.own.key_pem, data_or_file(user, "client-key", file));
  out.bearer_token = string_or(user, "token");
  return out;
}

Result<ClientConfig> load_kubeconfig(const std::string& path, const std::string& context) {
  HOP_TRY(std::string text, read_file(path));
  return parse_kubeconfig(text, path, context);
}

Result<ClientConfig> load_client_files(const std::string& server, const std::string& pki_directory,
                                       const std::string& name) {
  ClientConfig out;
  out.server = server;
  HOP_TRY(out.ca_pem, read_file(pki_directory + "/ca.crt"));
  HOP_TRY(out.own, load_key_pair(pki_directory, name));
  return out;
}

Result<ClientConfig> load_service_account(const std::string& server, const std::string& directory) {
  ClientConfig out;
  out.server = server;
  HOP_TRY(out.ca_pem, read_file(directory + "/ca.crt"));
  HOP_TRY(std::string token, read_file(directory + "/token"));
  out.bearer_token = trim(token);
  if (auto name = read_file(directory + "/namespace")) out.namespace_name = trim(*name);
  return out;
}

Result<HttpTarget> target_of(const ClientConfig& config) {
  HttpTarget target;
  std::string_view rest = config.server;
  const bool tls = rest.starts_with("https://");
  if (!tls && !rest.starts_with("http://")) {
    return Error(ErrorCode::invalid, "the server's address \"" + config.server +
                                         "\" does not start with https:// or http://");
  }
  rest.remove_prefix(tls ? 8 : 7);
  rest = rest.substr(0, rest.find('/'));
  target.endpoint.port = tls ? 443 : 80;
  auto colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    std::string_view port = rest.substr(colon + 1);
    auto [end, failed] =
        std::from_chars(port.data(), port.data() + port.size(), target.endpoint.port);
    if (failed != std::errc() || end != port.data() + port.size()) {
      return Error(ErrorCode::invalid,
                   "the server's address \"" + config.server + "\" has no port");
    }
  }
  target.endpoint.host = rest.substr(0, colon);
  target.server_name = config.server_name;
  if (tls) {
    HOP_TRY(target.tls, TlsContext::client(config.ca_pem, config.own));
    target.bearer_token = config.bearer_token;
  }
  return target;
}

}  // namespace hoplab::web
