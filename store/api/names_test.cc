#include "store/api/names.h"

#include <gmock/gmock.h>

namespace hoplab::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(Names, SpeakLikeKubernetes) {
  EXPECT_THAT(
      dns1123_subdomain_problems("Web_1"),
      ElementsAre("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                  "characters, '-' or '.', and must start and end with an alphanumeric character "
                  "(e.g. 'example.com', regex used for validation is "
                  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
  EXPECT_THAT(dns1123_label_problems(std::string(64, 'a')),
              ElementsAre("must be no more than 63 characters"));
  EXPECT_THAT(dns1123_label_problems("a.b"),
              ElementsAre("a lowercase RFC 1123 label must consist of lower case alphanumeric "
                          "characters or '-', and must start and end with an alphanumeric "
                          "character (e.g. 'my-name',  or '123-abc', regex used for validation "
                          "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
  EXPECT_THAT(qualified_name_problems("/"),
              ElementsAre("prefix part must be non-empty", "name part must be non-empty",
                          testing::StartsWith("name part must consist of alphanumeric")));
}

TEST(Names, KnowTheirEdges) {
  EXPECT_THAT(dns1123_subdomain_problems("a.b-c.1"), IsEmpty());
  EXPECT_THAT(dns1123_label_problems("123"), IsEmpty());
  EXPECT_THAT(dns1035_label_problems("web-1"), IsEmpty());
  EXPECT_THAT(qualified_name_problems("kubernetes.io/Name_1"), IsEmpty());
  EXPECT_THAT(label_value_problems(""), IsEmpty());
  EXPECT_THAT(env_name_problems("_A.b-1"), IsEmpty());
  EXPECT_THAT(config_key_problems("nginx.conf"), IsEmpty());
  EXPECT_THAT(port_name_problems("http-8080"), IsEmpty());
  EXPECT_THAT(ip_problems("fd00::1"), IsEmpty());
  for (const char* bad : {"", "-a", "a-", "A", "a..b", ".a", "a_b"}) {
    EXPECT_THAT(dns1123_subdomain_problems(bad), Not(IsEmpty())) << bad;
  }
  EXPECT_THAT(dns1035_label_problems("1web"), Not(IsEmpty()));
  EXPECT_THAT(dns1035_label_problems(""), Not(IsEmpty()));
  EXPECT_THAT(env_name_problems("1A"), Not(IsEmpty()));
  EXPECT_THAT(config_key_problems(".."), Not(IsEmpty()));
  EXPECT_THAT(port_name_problems("8080"), ElementsAre("must contain at least one letter (a-z)"));
  EXPECT_THAT(port_number_problems(0), ElementsAre("must be between 1 and 65535, inclusive"));
  EXPECT_THAT(ip_problems("10.0.0.256"), Not(IsEmpty()));
  EXPECT_TRUE(has_parent_step("a/../b"));
  EXPECT_FALSE(has_parent_step("a/..b"));
}

}  // namespace
}  // namespace hoplab::api
