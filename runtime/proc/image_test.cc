#include "runtime/proc/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hoplab::proc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string resolved(std::string_view reference) {
  auto image = resolve_image(reference);
  return image ? image->name : std::string(to_string(image.error().code()));
}

TEST(Image, RegistryAndTagDoNotMatter) {
  for (const char* reference :
       {"nginx", "nginx:1.21", "library/nginx", "docker.io/library/nginx:latest",
        "localhost:5000/nginx", "my.registry:443/nginx@sha256:0123456789abcdef",
        "nginx:1.21@sha256:0123"}) {
    EXPECT_EQ(resolved(reference), "nginx") << reference;
  }
  EXPECT_EQ(resolved("traefik/whoami:v1.6"), "traefik/whoami");
  EXPECT_EQ(resolved("docker.io/containous/whoami"), "traefik/whoami");
  EXPECT_EQ(resolved("nicolaka/netshoot"), "nicolaka/netshoot");
  EXPECT_EQ(resolved("k8s.gcr.io/pause:3.5"), "pause");
  EXPECT_EQ(resolved("docker.io/calico/node:v3.21.6"), "calico/node");
  EXPECT_EQ(resolved("k8s.gcr.io/kube-proxy:v1.22.6"), "kube-proxy");
  EXPECT_EQ(resolved("k8s.gcr.io/coredns/coredns:v1.8.4"), "coredns");
}

TEST(Image, UnknownNamesListWhatExists) {
  auto unknown = resolve_image("quay.io/someone/thing:1");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::not_found);
  EXPECT_THAT(unknown.error().message(), HasSubstr("\"quay.io/someone/thing:1\""));
  EXPECT_THAT(unknown.error().message(), HasSubstr("nginx, traefik/whoami, nicolaka/netshoot"));
  EXPECT_EQ(resolved("someone/nginx"), to_string(ErrorCode::not_found));
}

TEST(Image, BrokenReferencesAreInvalid) {
  for (const char* reference :
       {"", "Nginx", "nginx:", "a//b", "nginx latest", "nginx\n", "/nginx"}) {
    auto image = resolve_image(reference);
    ASSERT_FALSE(image) << reference;
    EXPECT_EQ(image.error().code(), ErrorCode::invalid) << reference;
  }
}

TEST(Image, CommandAndArgsFollowKubernetes) {
  Image image;
  image.entrypoint = {"/entry"};
  image.cmd = {"cmd"};
  EXPECT_THAT(command_line(image, {}, {}), ElementsAre("/entry", "cmd"));
  EXPECT_THAT(command_line(image, {}, {"arg"}), ElementsAre("/entry", "arg"));
  EXPECT_THAT(command_line(image, {"other"}, {}), ElementsAre("other"));
  EXPECT_THAT(command_line(image, {"other"}, {"arg"}), ElementsAre("other", "arg"));
}

}  // namespace
}  // namespace hoplab::proc
