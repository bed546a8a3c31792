#include "store/api/kind.h"

#include <gmock/gmock.h>

#include <set>

namespace hoplab::api {
namespace {

TEST(Kind, IsFoundByEveryNamePeopleType) {
  for (std::string_view name : {"deployments", "deployment", "deploy", "Deployment", "DEPLOY",
                                "deployments.apps", "deploy.apps", "deployments.v1.apps"}) {
    const Kind* kind = find_by_any_name(name);
    ASSERT_NE(kind, nullptr) << name;
    EXPECT_EQ(kind->kind, "Deployment") << name;
  }
  EXPECT_EQ(find_by_any_name("ippool")->plural, "ippools");
  EXPECT_EQ(find_by_any_name("svc")->kind, "Service");
  for (std::string_view name : {"", ".", "deployments.batch", "statefulset", "pods.apps"}) {
    EXPECT_EQ(find_by_any_name(name), nullptr) << name;
  }
}

TEST(Kind, IsFoundByUrlAndManifest) {
  EXPECT_EQ(find_resource("", "v1", "pods"), &kind_of("Pod"));
  EXPECT_EQ(find_resource("apps", "v1", "pods"), nullptr);
  EXPECT_EQ(find_resource("crd.projectcalico.org", "v1", "ipamblocks"), &kind_of("IPAMBlock"));
  EXPECT_EQ(find_kind("discovery.k8s.io/v1", "EndpointSlice"), &kind_of("EndpointSlice"));
  EXPECT_EQ(find_kind("discovery.k8s.io/v1beta1", "EndpointSlice"), nullptr);
  EXPECT_EQ(kind_of("DaemonSet").api_version(), "apps/v1");
  EXPECT_EQ(kind_of("DaemonSet").qualified_resource(), "daemonsets.apps");
  EXPECT_EQ(kind_of("DaemonSet").qualified_kind(), "DaemonSet.apps");
  EXPECT_EQ(kind_of("Pod").qualified_resource(), "pods");
}

TEST(Kind, ShortNamesAreUniqueAndGroupsStayTogether) {
  std::set<std::string_view> names;
  std::set<std::string_view> groups;
  std::string_view last = "none";
  for (const Kind& kind : kinds()) {
    EXPECT_TRUE(names.insert(kind.plural).second) << kind.plural;
    for (auto name : kind.short_names) EXPECT_TRUE(names.insert(name).second) << name;
    if (kind.group != last) {
      EXPECT_TRUE(groups.insert(kind.group).second) << kind.group;
    }
    last = kind.group;
  }
}

TEST(Kind, ReadersTakeWhatIsThere) {
  Json pod = {{"metadata",
               {{"name", "web"}, {"namespace", "shop"}, {"uid", "u1"}, {"resourceVersion", "42"}}}};
  EXPECT_EQ(key_of(pod), "shop/web");
  EXPECT_EQ(uid_of(pod), "u1");
  EXPECT_EQ(revision_of(pod), 42);
  EXPECT_EQ(key_of({{"metadata", {{"name", "n1"}}}}), "n1");
  EXPECT_EQ(key_of(Json(3)), "");
  for (const char* bad : {"", "x", "4x", "-1", "99999999999999999999"}) {
    EXPECT_EQ(revision_of({{"metadata", {{"resourceVersion", bad}}}}), 0) << bad;
  }
}

}  // namespace
}  // namespace hoplab::api
