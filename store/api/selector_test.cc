#include "store/api/selector.h"

#include <gmock/gmock.h>

namespace hoplab::api {
namespace {

using testing::HasSubstr;

bool label_match(std::string_view selector, const Json& labels) {
  auto parsed = LabelSelector::parse(selector);
  EXPECT_TRUE(parsed.ok()) << selector;
  return parsed.ok() && parsed->matches(labels);
}

TEST(LabelSelector, FollowsKubernetesOperators) {
  Json web = {{"app", "web"}, {"tier", "front"}, {"empty", ""}};
  for (std::string_view yes :
       {"", "app=web", "app==web", "app = web , tier=front", "app!=db", "missing!=x", "app",
        "!missing", "app in (db, web)", "app notin (db)", "missing notin (x)",
        "empty=", "empty in (x,)", "app,tier", "app.kubernetes.io/name!=x"}) {
    EXPECT_TRUE(label_match(yes, web)) << yes;
  }
  for (std::string_view no : {"app=db", "app!=web", "missing", "!app", "missing=", "app in (db)",
                              "app notin (web,db)", "app=web,tier=back", "missing in (x)"}) {
    EXPECT_FALSE(label_match(no, web)) << no;
  }
  EXPECT_TRUE(label_match("!app", nullptr));
  EXPECT_FALSE(label_match("app", nullptr));
}

TEST(LabelSelector, RefusesBrokenText) {
  for (std::string_view bad : {"=x", "a=b=c", "a in b", "a in (b", "a in (b c)", "a b", "!a=b",
                               "a,", ",a", "(a)", "a=x y", "a/b/c", "-a", "a=-", "a in (b))"}) {
    auto parsed = LabelSelector::parse(bad);
    EXPECT_FALSE(parsed.ok()) << bad;
    if (!parsed) {
      EXPECT_EQ(parsed.error().code(), ErrorCode::bad_request);
      EXPECT_THAT(parsed.error().message(), HasSubstr("unable to parse requirement: "));
    }
  }
}

TEST(LabelSelector, ReadsSelectorObjects) {
  Json selector = {{"matchLabels", {{"app", "web"}}},
                   {"matchExpressions",
                    {{{"key", "tier"}, {"operator", "NotIn"}, {"values", {"back"}}},
                     {{"key", "old"}, {"operator", "DoesNotExist"}}}}};
  auto parsed = LabelSelector::from_json(selector);
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->matches({{"app", "web"}}));
  EXPECT_FALSE(parsed->matches({{"app", "web"}, {"tier", "back"}}));
  EXPECT_FALSE(parsed->matches({{"app", "web"}, {"old", ""}}));
  EXPECT_TRUE(LabelSelector::from_json(Json::object())->matches({{"a", "b"}}));
  EXPECT_FALSE(LabelSelector::from_json(nullptr)->matches({{"a", "b"}}));
  EXPECT_FALSE(
      LabelSelector::from_json({{"matchExpressions", {{{"key", "a"}, {"operator", "In"}}}}}).ok());
  EXPECT_FALSE(LabelSelector::from_json({{"matchExpressions", {{{"key", "a"}}}}}).ok());
}

TEST(LabelSelector, ServiceMapsSelectNothingWhenEmpty) {
  EXPECT_FALSE(LabelSelector::from_map(nullptr).matches({{"a", "b"}}));
  EXPECT_FALSE(LabelSelector::from_map(Json::object()).matches(Json::object()));
  EXPECT_TRUE(LabelSelector::from_map({{"a", "b"}}).matches({{"a", "b"}, {"c", "d"}}));
}

TEST(FieldSelector, ComparesDottedPathsAsText) {
  Json pod = {{"metadata", {{"name", "web"}}},
              {"spec", {{"nodeName", "k8s-w1"}, {"hostNetwork", true}, {"n", 3}}},
              {"status", {{"phase", "Running"}}}};
  for (std::string_view yes :
       {"", "metadata.name=web", "spec.nodeName==k8s-w1,status.phase!=Failed", "spec.missing=",
        "spec.hostNetwork=true", "spec.n=3", "status.phase!=", "spec.missing!=x"}) {
    auto parsed = FieldSelector::parse(yes);
    ASSERT_TRUE(parsed.ok()) << yes;
    EXPECT_TRUE(parsed->matches(pod)) << yes;
  }
  EXPECT_FALSE(FieldSelector::parse("metadata.name=we")->matches(pod));
  EXPECT_FALSE(FieldSelector::parse("metadata.name=web,spec.n=4")->matches(pod));
  EXPECT_TRUE(FieldSelector::parse("a=x\\,y\\=z")->matches({{"a", "x,y=z"}}));
  for (std::string_view bad : {"metadata.name", "=x", "a=b,c", "!"}) {
    EXPECT_FALSE(FieldSelector::parse(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace hoplab::api
