#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "web/api_fixture.h"
#include "web/http_client.h"

namespace hoplab::web {
namespace {

/// What the server says besides its answers.
class ApiWarnings : public ApiFixture {};

TEST_F(ApiWarnings, UnknownFieldsAreWarnedOf) {
  std::vector<std::string> warnings;
  WriteOptions options;
  options.warnings = &warnings;
  Json pod = {
      {"metadata", {{"name", "p"}}},
      {"spec",
       {{"foo", 1}, {"containers", {{{"name", "c"}, {"image", "busybox"}, {"imgae", "x\n\"y"}}}}}}};
  ASSERT_TRUE(client_->create(kind("Pod"), "default", pod, options));
  EXPECT_EQ(warnings, (std::vector<std::string>{"unknown field \"spec.containers[0].imgae\"",
                                                "unknown field \"spec.foo\""}));
  warnings.clear();
  ASSERT_TRUE(client_->patch(kind("Pod"), "default", "p", PatchType::merge,
                             {{"metadata", {{"lables", {{"a", "b"}}}}}}, Subresource::none,
                             options));
  EXPECT_EQ(warnings, (std::vector<std::string>{"unknown field \"metadata.lables\""}));
  warnings.clear();
  ASSERT_TRUE(client_->patch(kind("Pod"), "default", "p", PatchType::merge,
                             {{"metadata", {{"labels", {{"a", "b"}}}}}}, Subresource::none,
                             options));
  EXPECT_EQ(warnings, std::vector<std::string>{});
}

TEST_F(ApiWarnings, IgnoreSaysNothingOfUnknownFields) {
  HttpClient http(*target_of(config_));
  HttpRequest request;
  request.method = "POST";
  const auto warnings = [&](const std::string& name, const std::string& query) {
    request.target = "/api/v1/namespaces/default/configmaps" + query;
    request.body = R"({"metadata":{"name":")" + name + R"("},"dta":1})";
    auto answer = http.send(request);
    EXPECT_EQ(answer->status, 201) << answer->body;
    return header_of(answer->headers, "Warning");
  };
  EXPECT_EQ(warnings("a", ""), "299 - \"unknown field \\\"dta\\\"\"");
  EXPECT_EQ(warnings("b", "?fieldValidation=Warn"), "299 - \"unknown field \\\"dta\\\"\"");
  EXPECT_EQ(warnings("c", "?fieldValidation=Ignore"), "");
}

/// exec, attach and logs when nobody listens at the kubelet's port.
class ApiWithoutAgent : public ApiFixture {};

TEST_F(ApiWithoutAgent, AnAgentThatDoesNotAnswerIsTheServersFailure) {
  ASSERT_TRUE(client_->create(kind("Node"), "", {{"metadata", {{"name", "n"}}}}));
  const Json at{{"status", {{"addresses", {{{"type", "InternalIP"}, {"address", "127.0.0.1"}}}}}}};
  ASSERT_TRUE(client_->patch(kind("Node"), "", "n", PatchType::merge, at, Subresource::status));
  Json bound = pod("p");
  bound["spec"]["nodeName"] = "n";
  ASSERT_TRUE(client_->create(kind("Pod"), "default", bound));
  // Nobody listens at the fixture's kubelet port.
  const auto log = client_->get_text("/api/v1/namespaces/default/pods/p/log");
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), ErrorCode::internal);
  EXPECT_TRUE(log.error().message().starts_with("error dialing backend: connecting to 127.0.0.1:"))
      << log.error().message();
}

}  // namespace
}  // namespace hoplab::web
