#include "runtime/agent/non_root.h"

#include <gtest/gtest.h>

namespace hoplab::agent {
namespace {

/// The error's text, or "runs".
std::string verdict(const char* pod_context, const char* context, const char* image_user) {
  Json object = *parse_json(
      R"({"metadata":{"name":"web","namespace":"shop","uid":"u-1"},
          "spec":{"containers":[{"name":"c","image":"x"}]}})");
  object["spec"]["securityContext"] = *parse_json(pod_context);
  object["spec"]["containers"][0]["securityContext"] = *parse_json(context);
  PodRecord pod = make_record(object);
  auto checked = verify_non_root(pod, object["spec"]["containers"][0], image_user);
  return checked ? "runs" : checked.error().message();
}

TEST(NonRoot, SaysWhatKubeletSays) {
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true})", "{}", ""),
            "container has runAsNonRoot and image will run as root (pod: \"web_shop(u-1)\", "
            "container: c)");
  EXPECT_EQ(verdict("{}", R"({"runAsNonRoot":true})", "0:101"),
            "container has runAsNonRoot and image will run as root (pod: \"web_shop(u-1)\", "
            "container: c)");
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true})", "{}", "nginx:nginx"),
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user "
            "is non-root (pod: \"web_shop(u-1)\", container: c)");
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true})", R"({"runAsUser":0})", "101"),
            "container's runAsUser breaks non-root policy (pod: \"web_shop(u-1)\", container: c)");
}

TEST(NonRoot, LetsOthersRun) {
  EXPECT_EQ(verdict("{}", "{}", ""), "runs");
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true})", "{}", "101"), "runs");
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true,"runAsUser":1000})", "{}", "root"), "runs");
  EXPECT_EQ(verdict(R"({"runAsNonRoot":true})", R"({"runAsNonRoot":false})", ""), "runs");
}

}  // namespace
}  // namespace hoplab::agent
