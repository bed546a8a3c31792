// Tokens and kubeconfig files.

#include <gtest/gtest.h>

#include "runtime/base/base64.h"
#include "web/kubeconfig.h"
#include "web/pki.h"
#include "web/token.h"

namespace hoplab::web {
namespace {

class TokenTest : public testing::Test {
 protected:
  void SetUp() override {
    key_ = *make_signing_key();
    claims_.namespace_name = "default";
    claims_.service_account = "builder";
    claims_.service_account_uid = "u1";
    claims_.pod = "web-1";
    claims_.expires = 2'000;
  }
  static WallTime at(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

  KeyPair key_;
  TokenClaims claims_;
};

TEST_F(TokenTest, HoldsUntilItExpires) {
  std::string token = *sign_token(claims_, key_.key_pem, at(1'000));
  auto got = verify_token(token, key_.certificate_pem, at(1'500));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->peer().user, "system:serviceaccount:default:builder");
  EXPECT_EQ(got->pod, "web-1");
  auto late = verify_token(token, key_.certificate_pem, at(2'000));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::unauthorized);
}

TEST_F(TokenTest, AnyChangeIsRefused) {
  std::string token = *sign_token(claims_, key_.key_pem, at(1'000));
  for (size_t i = 0; i < token.size(); i += 7) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_token(changed, key_.certificate_pem, at(1'500))) << i;
  }
  EXPECT_FALSE(verify_token(token, make_signing_key()->certificate_pem, at(1'500)));
  std::string unsigned_token = base64url_encode(R"({"alg":"none"})") +
                               token.substr(token.find('.'), token.rfind('.') - token.find('.')) +
                               ".";
  EXPECT_FALSE(verify_token(unsigned_token, key_.certificate_pem, at(1'500)));
  EXPECT_FALSE(verify_token("", key_.certificate_pem, at(1'500)));
  EXPECT_FALSE(verify_token("..", key_.certificate_pem, at(1'500)));
}

TEST(Kubeconfig, ReadsWhatItWrites) {
  KeyPair ca = *make_ca("test");
  ClientConfig config;
  config.server = "https://127.0.0.1:6443";
  config.ca_pem = ca.certificate_pem;
  config.own = *issue_certificate(ca, client_request("kubernetes-admin", {"system:masters"}));
  auto back = parse_kubeconfig(kubeconfig_text("k8s", config), "/tmp/kubeconfig");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->server, config.server);
  EXPECT_EQ(back->ca_pem, config.ca_pem);
  EXPECT_EQ(back->own.certificate_pem, config.own.certificate_pem);
  EXPECT_EQ(back->own.key_pem, config.own.key_pem);
  auto target = target_of(*back);
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->endpoint.port, 6443);
  auto missing = parse_kubeconfig(kubeconfig_text("k8s", config), "f", "other");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "f: no context named \"other\"");
}

TEST(Kubeconfig, BadServerAddresses) {
  ClientConfig config;
  for (const char* server : {"", "ftp://x", "http://x:99999", "http://x:"}) {
    config.server = server;
    EXPECT_FALSE(target_of(config)) << server;
  }
}

}  // namespace
}  // namespace hoplab::web
