#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "runtime/base/test_dir.h"
#include "store/registry.h"
#include "web/api_server.h"
#include "web/client.h"
#include "web/pki.h"

namespace hoplab::web {

/// The API over a registry in a temporary store, on a loopback port, and a client of it. For tests.
class ApiFixture : public testing::Test {
 protected:
  void SetUp() override {
    ca_ = *make_ca("test");
    signing_ = *make_signing_key();
    StoreOptions small;
    small.ring = 16;
    small.keep_history = 64;
    small.log.max_bytes = store_bytes_;
    store_ = *ObjectStore::open(dir_.file("store.db"), small);
    RegistryOptions registry_options;
    registry_options.bookmark_interval = Millis(50);
    registry_ = *Registry::open(*store_, clock_, registry_options);
    ApiBackend backend;
    backend.source = registry_.get();
    backend.clock = &clock_;
    backend.bind = [this](const std::string& ns, const std::string& pod, const std::string& node) {
      return registry_->bind(ns, pod, node);
    };
    backend.snapshot = [this](const api::Kind& kind, const Selection& selection) {
      return registry_->snapshot(kind, selection);
    };
    ApiServerOptions options;
    options.token_public_key_pem = signing_.certificate_pem;
    options.token_private_key_pem = signing_.key_pem;
    options.kubelet_port = kubelet_port_;
    options.kubelet_tls = *TlsContext::client(
        ca_.certificate_pem,
        *issue_certificate(ca_, client_request("kubelet-client", {"system:masters"})));
    const Log log("test", 2, LogLevel::error);
    api_ = std::make_unique<ApiServer>(std::move(backend), options, log);
    HttpServerOptions http;
    http.grace = Millis(300);
    server_ = *HttpServer::open(*api_, http, log);
    Fd listener = *listen_tcp(Ipv4(127, 0, 0, 1), 0);
    config_.server = "https://127.0.0.1:" + std::to_string(*local_port(listener.get()));
    config_.ca_pem = ca_.certificate_pem;
    KeyPair own = *issue_certificate(ca_, api_server_request({}));
    ASSERT_TRUE(server_->adopt(std::move(listener), *TlsContext::server(ca_.certificate_pem, own)));
    thread_ = std::thread([this] { server_->run(); });
    anonymous_ = *Client::open(config_);
    config_.own = *issue_certificate(ca_, client_request("admin", {"system:masters"}));
    client_ = *Client::open(config_);
    ASSERT_TRUE(client_->create(kind("Namespace"), "", {{"metadata", {{"name", "default"}}}}));
  }
  void TearDown() override {
    server_->stop();
    store_->close_watches();
    thread_.join();
  }

  /// A client that shows a token instead of a certificate.
  [[nodiscard]] std::unique_ptr<Client> with_token(const std::string& token) const {
    ClientConfig config = config_;
    config.own = {};
    config.bearer_token = token;
    return *Client::open(config);
  }

  static const api::Kind& kind(std::string_view name) { return api::kind_of(name); }
  static Json config_map(const std::string& name, const std::string& value = "v") {
    return {{"metadata", {{"name", name}, {"labels", {{"app", value}}}}}, {"data", {{"k", value}}}};
  }
  static Json pod(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"containers", {{{"name", "c"}, {"image", "nginx"}}}}}}};
  }

  int64_t store_bytes_ = int64_t{24} << 20U;  ///< Set before SetUp().
  TestDir dir_;
  SystemClock clock_;
  KeyPair ca_;
  KeyPair signing_;
  uint16_t kubelet_port_ = 1;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  ClientConfig config_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> anonymous_;
};

}  // namespace hoplab::web
