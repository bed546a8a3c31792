#include "runtime/image/manifest.h"

#include <gtest/gtest.h>

#include "runtime/base/text.h"
#include "runtime/image/reference.h"

namespace hoplab::image {
namespace {

const std::string some_digest = "sha256:" + std::string(64, 'a');

TEST(Digest, TakesSha256Only) {
  EXPECT_TRUE(Digest::parse(some_digest));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(63, 'a')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(63, 'a') + "/"));
  EXPECT_FALSE(Digest::parse("sha512:" + std::string(64, 'a')));
  // FIPS 180-2, appendix B.1
  EXPECT_EQ(digest_of("abc").text(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Manifest, ReadsAConfig) {
  auto config =
      parse_config(R"({"architecture":"amd64","os":"linux","created":"2022-01-02T03:04:05Z",
    "config":{"User":"nginx","Env":["PATH=/bin","A=b=c"],"Entrypoint":["/entry"],"Cmd":null,
      "WorkingDir":"/srv","ExposedPorts":{"80/tcp":{}},"Labels":{"a":"b"},"StopSignal":"SIGQUIT"},
    "rootfs":{"type":"layers","diff_ids":[")" +
                   some_digest + R"("]},
    "history":[{"created_by":"ADD file","empty_layer":true}]})");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->user, "nginx");
  EXPECT_EQ(config->env, (std::vector<std::string>{"PATH=/bin", "A=b=c"}));
  EXPECT_TRUE(config->cmd.empty());
  EXPECT_EQ(config->exposed_ports, std::vector<std::string>{"80/tcp"});
  EXPECT_EQ(config->stop_signal, "SIGQUIT");
  EXPECT_TRUE(config->history.at(0).empty_layer);
  auto again = parse_config(config_text(*config));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *config);
}

TEST(Manifest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(parse_config(R"({"config":{"Env":[1]}})").error().message(),
            "image config: config.Env: expected a list of strings");
  EXPECT_EQ(parse_config(R"({"rootfs":{"diff_ids":["md5:1"]}})").error().message(),
            "image config: rootfs.diff_ids[0]: \"md5:1\" is no digest (sha256: and 64 digits)");
  EXPECT_EQ(parse_manifest(R"({"config":7})").error().message(),
            "manifest: config: expected a descriptor (mediaType, digest, size)");
  EXPECT_EQ(parse_docker_manifest(R"([{"RepoTags":["a:b"],"Layers":[]}])").error().message(),
            "manifest.json: [0].Config: required");
  EXPECT_EQ(parse_index(R"({"manifests":[{"digest":")" + some_digest + R"(","size":-1}]})")
                .error()
                .message(),
            "index.json: manifests[0].size: expected a number of 0 or more");
  EXPECT_FALSE(parse_manifest("{"));
}

TEST(Reference, ReadsDockersGrammar) {
  EXPECT_EQ(Reference::parse("nginx")->full(), "docker.io/library/nginx:latest");
  EXPECT_EQ(Reference::parse("docker.io/library/nginx:1.21")->familiar(), "nginx:1.21");
  EXPECT_EQ(Reference::parse("calico/node:v3.21.6")->full(), "docker.io/calico/node:v3.21.6");
  EXPECT_EQ(Reference::parse("localhost:5000/a_b/c--d:x")->full(), "localhost:5000/a_b/c--d:x");
  EXPECT_EQ(Reference::parse("k8s.gcr.io/pause@" + some_digest)->familiar(),
            "k8s.gcr.io/pause@" + some_digest);
  for (const char* bad : {"", "Nginx", "a..b", "a:", "a/", "/a", "a___b", "-a",
                          "a:b/c:", "a@sha256:1", "a b", "a:\tb", "x/../y", "host:port/a"}) {
    EXPECT_FALSE(Reference::parse(bad)) << bad;
  }
  EXPECT_NE(Reference::parse("Nginx").error().message().find("must be lowercase"),
            std::string::npos);
}

}  // namespace
}  // namespace hoplab::image
