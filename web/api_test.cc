// The API through our own client: what a Source promises, and what kubectl's wire needs.

#include <set>

#include "runtime/base/text.h"
#include "web/api_fixture.h"

namespace hoplab::web {
namespace {

class ApiTest : public ApiFixture {};

/// A store that a few large objects fill.
class SmallStoreTest : public ApiFixture {
 protected:
  SmallStoreTest() { store_bytes_ = int64_t{4} << 20U; }
};

TEST_F(ApiTest, WithoutACredentialOnlyVersionAndHealth) {
  for (const char* path : {"/version", "/healthz", "/livez", "/livez/ping"}) {
    EXPECT_TRUE(anonymous_->get_text(path)) << path;
  }
  ClientConfig config = config_;
  config.own =
      *issue_certificate(*make_ca("another cluster"), client_request("admin", {"system:masters"}));
  auto foreigner = *Client::open(config);
  for (const char* path : {"/api", "/apis", "/api/v1/pods", "/openapi/v2", "/nothing"}) {
    for (Client* client : {anonymous_.get(), foreigner.get()}) {
      auto got = client->get_text(path);
      ASSERT_FALSE(got) << path;
      EXPECT_EQ(got.error().code(), ErrorCode::unauthorized);
      EXPECT_EQ(got.error().message(), "Unauthorized");
    }
  }
}

TEST_F(SmallStoreTest, AFullDiskIsSaidAndChangesNothing) {
  // A file system of its own would need root: the limit of the store's file gives the same error.
  const std::string large(900'000, 'x');
  int written = 0;
  Result<Json> full = Json();
  for (; written < 100; ++written) {
    Json map = config_map(str("m", written));
    map["data"]["k"] = large;
    full = client_->create(kind("ConfigMap"), "default", map);
    if (!full) break;
  }
  ASSERT_FALSE(full);
  EXPECT_GT(written, 0);
  EXPECT_EQ(full.error().code(), ErrorCode::internal);
  for (const char* part : {"No space left on device", "nothing was changed", "free some space"}) {
    EXPECT_NE(full.error().message().find(part), std::string::npos) << full.error().message();
  }
  EXPECT_EQ(client_->get(kind("ConfigMap"), "default", str("m", written)).error().code(),
            ErrorCode::not_found);
  EXPECT_EQ(client_->list(kind("ConfigMap"), {})->items.size(), static_cast<size_t>(written));
  std::string kept;
  Result<Json> changed = Json();
  for (int i = 0; i < 20 && changed; ++i) {
    const std::string text = str(i, large.substr(0, 100'000));
    changed = client_->patch(kind("ConfigMap"), "default", "m0", PatchType::merge,
                             {{"data", {{"k2", text}}}});
    if (changed) kept = text;
  }
  ASSERT_FALSE(changed);
  EXPECT_EQ(string_or((*client_->get(kind("ConfigMap"), "default", "m0"))["data"], "k2"), kept);
  EXPECT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("small")));
}

TEST_F(ApiTest, ReadyOnlyWhenTold) {
  EXPECT_FALSE(anonymous_->get_text("/readyz"));
  api_->set_ready();
  EXPECT_EQ(*anonymous_->get_text("/readyz"), "ok");
}

TEST_F(ApiTest, ABearerTokenIsACredential) {
  ASSERT_TRUE(client_->create(kind("ServiceAccount"), "default", {{"metadata", {{"name", "b"}}}}));
  auto made = client_->request("POST", "/api/v1/namespaces/default/serviceaccounts/b/token",
                               Json::object());
  ASSERT_TRUE(made) << made.error().message();
  const std::string token = string_or(member(*made, "status"), "token");
  auto holder = with_token(token);
  EXPECT_TRUE(holder->list(kind("Pod"), {}));
  ASSERT_TRUE(client_->remove(kind("ServiceAccount"), "default", "b"));
  EXPECT_EQ(holder->list(kind("Pod"), {}).error().code(), ErrorCode::unauthorized);
  ASSERT_TRUE(client_->create(kind("ServiceAccount"), "default", {{"metadata", {{"name", "b"}}}}));
  EXPECT_EQ(holder->list(kind("Pod"), {}).error().code(), ErrorCode::unauthorized);
  auto forger = with_token(token + "x");
  EXPECT_EQ(forger->list(kind("Pod"), {}).error().code(), ErrorCode::unauthorized);
}

TEST_F(ApiTest, ATokenOfAPodEndsWithThePod) {
  ASSERT_TRUE(client_->create(kind("ServiceAccount"), "default", {{"metadata", {{"name", "b"}}}}));
  const Json pod = {{"metadata", {{"name", "p"}}},
                    {"spec",
                     {{"serviceAccountName", "b"},
                      {"containers", Json::array({{{"name", "c"}, {"image", "busybox"}}})}}}};
  auto bound_to = [this](const char* name) {
    return client_->request("POST", "/api/v1/namespaces/default/serviceaccounts/b/token",
                            {{"spec", {{"boundObjectRef", {{"kind", "Pod"}, {"name", name}}}}}});
  };
  EXPECT_FALSE(bound_to("p")) << "there is no such pod yet";
  ASSERT_TRUE(client_->create(kind("Pod"), "default", pod));
  auto made = bound_to("p");
  ASSERT_TRUE(made) << made.error().message();
  auto holder = with_token(string_or(member(*made, "status"), "token"));
  EXPECT_TRUE(holder->list(kind("Pod"), {}));
  DeleteOptions now;
  now.grace_seconds = 0;
  ASSERT_TRUE(client_->remove(kind("Pod"), "default", "p", now));
  EXPECT_EQ(holder->list(kind("Pod"), {}).error().code(), ErrorCode::unauthorized);
  ASSERT_TRUE(client_->create(kind("Pod"), "default", pod));
  EXPECT_EQ(holder->list(kind("Pod"), {}).error().code(), ErrorCode::unauthorized)
      << "a new pod of the same name is another pod";
}

TEST_F(ApiTest, ObjectsComeAndGo) {
  auto made = client_->create(kind("ConfigMap"), "default", config_map("a"));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(string_or(*made, "kind"), "ConfigMap");
  EXPECT_FALSE(api::uid_of(*made).empty());
  auto again = client_->create(kind("ConfigMap"), "default", config_map("a"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::already_exists);
  EXPECT_EQ(again.error().message(), "configmaps \"a\" already exists");
  EXPECT_EQ(again.error().details().name, "a");

  Json changed = *made;
  changed["data"]["k"] = "w";
  ASSERT_TRUE(client_->update(kind("ConfigMap"), "default", "a", changed));
  auto stale = client_->update(kind("ConfigMap"), "default", "a", changed);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), ErrorCode::conflict);

  auto patched =
      client_->patch(kind("ConfigMap"), "default", "a", PatchType::merge, {{"data", {{"n", "1"}}}});
  ASSERT_TRUE(patched);
  EXPECT_EQ(at_path(*patched, "data.k"), "w");
  EXPECT_EQ(at_path(*patched, "data.n"), "1");

  auto removed = client_->remove(kind("ConfigMap"), "default", "a");
  ASSERT_TRUE(removed);
  EXPECT_TRUE(removed->gone);
  EXPECT_EQ(api::uid_of(removed->object), api::uid_of(*made));
  auto missing = client_->get(kind("ConfigMap"), "default", "a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_EQ(missing.error().message(), "configmaps \"a\" not found");
}

TEST_F(ApiTest, DryRunAndStrict) {
  WriteOptions dry;
  dry.dry_run = true;
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("a"), dry));
  EXPECT_FALSE(client_->get(kind("ConfigMap"), "default", "a"));
  WriteOptions strict;
  strict.strict = true;
  Json odd = config_map("b");
  odd["dta"] = 1;
  auto got = client_->create(kind("ConfigMap"), "default", odd, strict);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("unknown field \"dta\""), std::string::npos)
      << got.error().message();
}

TEST_F(ApiTest, ListsInPagesWithSelectors) {
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(client_->create(kind("ConfigMap"), "default",
                                config_map("m" + std::to_string(i), i % 2 == 0 ? "even" : "odd")));
  }
  Selection odd;
  odd.namespace_name = "default";
  odd.label_selector = "app in (odd)";
  EXPECT_EQ(client_->list(kind("ConfigMap"), odd)->items.size(), 3U);
  std::string from;
  std::set<std::string> seen;
  int pages = 0;
  do {
    auto page =
        client_->request("GET", "/api/v1/configmaps?limit=3&labelSelector=app&continue=" + from);
    ASSERT_TRUE(page) << page.error().message();
    for (const Json& item : (*page)["items"]) seen.insert(api::name_of(item));
    from = string_or(member(*page, "metadata"), "continue");
    ++pages;
  } while (!from.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(client_->request("GET", "/api/v1/configmaps?continue=bogus").error().code(),
            ErrorCode::bad_request);
  EXPECT_FALSE(client_->request("GET", "/api/v1/configmaps?limit=x"));
  EXPECT_FALSE(client_->request("GET", "/api/v1/configmaps?labelSelector=a%3D%3D%3Db"));
}

TEST_F(ApiTest, TablesForListsAndWatches) {
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("a")));
  auto table = client_->get_table("/api/v1/namespaces/default/configmaps?labelSelector=app");
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(string_or(*table, "kind"), "Table");
  ASSERT_EQ((*table)["rows"].size(), 1U);
  EXPECT_EQ((*table)["rows"][0]["cells"][0], "a");
  EXPECT_EQ(at_path((*table)["rows"][0], "object.metadata.name"), "a");
  EXPECT_EQ((*table)["columnDefinitions"][0]["name"], "Name");
  auto body = client_->open_stream("/api/v1/configmaps?watch=true&labelSelector=app", true);
  ASSERT_TRUE(body);
  LineStream lines(std::move(*body));
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("b")));
  Json first = *parse_json(**lines.next(Millis(5000)));
  EXPECT_EQ(at_path(first, "object.kind"), "Table");
  EXPECT_TRUE(at_path(first, "object.columnDefinitions").is_array());
  Json second = *parse_json(**lines.next(Millis(5000)));
  EXPECT_TRUE(at_path(second, "object.columnDefinitions").is_null());
}

TEST_F(ApiTest, ScaleBindAndEvict) {
  Json deployment = {
      {"metadata", {{"name", "web"}}},
      {"spec",
       {{"selector", {{"matchLabels", {{"app", "web"}}}}},
        {"template", {{"metadata", {{"labels", {{"app", "web"}}}}}, {"spec", pod("x")["spec"]}}}}}};
  ASSERT_TRUE(client_->create(kind("Deployment"), "default", deployment));
  const std::string path = "/apis/apps/v1/namespaces/default/deployments/web/scale";
  auto scale = client_->request("GET", path);
  ASSERT_TRUE(scale) << scale.error().message();
  EXPECT_EQ(string_or(*scale, "kind"), "Scale");
  EXPECT_EQ(at_path(*scale, "status.selector"), "app=web");
  ASSERT_TRUE(client_->request("PATCH", path, {{"spec", {{"replicas", 3}}}},
                               "application/merge-patch+json"));
  EXPECT_EQ(at_path(*client_->get(kind("Deployment"), "default", "web"), "spec.replicas"), 3);
  EXPECT_FALSE(client_->request("PATCH", path, {{"spec", {{"replicas", -1}}}},
                                "application/merge-patch+json"));

  ASSERT_TRUE(client_->create(kind("Pod"), "default", pod("p")));
  Json binding = {{"target", {{"kind", "Node"}, {"name", "w1"}}}};
  auto bound = client_->request("POST", "/api/v1/namespaces/default/pods/p/binding", binding);
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ(at_path(*client_->get(kind("Pod"), "default", "p"), "spec.nodeName"), "w1");
  auto twice = client_->request("POST", "/api/v1/namespaces/default/pods/p/binding", binding);
  EXPECT_EQ(twice.error().code(), ErrorCode::conflict);
  ASSERT_TRUE(
      client_->request("POST", "/api/v1/namespaces/default/pods/p/eviction", Json::object()));
  EXPECT_FALSE(
      member(member(*client_->get(kind("Pod"), "default", "p"), "metadata"), "deletionTimestamp")
          .is_null());
}

TEST_F(ApiTest, DeleteCollection) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map(name, "x")));
  }
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("c", "y")));
  auto gone =
      client_->request("DELETE", "/api/v1/namespaces/default/configmaps?labelSelector=app%3Dx");
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_EQ((*gone)["items"].size(), 2U);
  Selection all;
  all.label_selector = "app";
  EXPECT_EQ(client_->list(kind("ConfigMap"), all)->items.size(), 1U);
}

struct BadCase {
  const char* method;
  std::string target;
  const char* type;
  std::string body;
  ErrorCode code;
  const char* text;
};

TEST_F(ApiTest, BadInputIsNamed) {
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  const std::string map = "/api/v1/namespaces/default/configmaps/a";
  const BadCase cases[] = {
      {"POST", maps, "application/json", "{\"a\":", ErrorCode::bad_request, "line 1"},
      {"POST", maps, "application/json", "[]", ErrorCode::bad_request, "must be an object"},
      {"POST", maps, "application/json", "", ErrorCode::bad_request, "JSON"},
      {"POST", maps, "application/json", R"({"kind":"Secret"})", ErrorCode::bad_request,
       "does not match the expected kind"},
      {"POST", maps, "application/json", R"({"apiVersion":"v2"})", ErrorCode::bad_request, "(v2)"},
      {"POST", maps, "application/json", R"({"metadata":[]})", ErrorCode::bad_request, "metadata"},
      {"POST", maps, "application/json", R"({"metadata":{"name":"a","namespace":"b"}})",
       ErrorCode::bad_request, "namespace"},
      {"POST", maps, "application/vnd.kubernetes.protobuf", "k8s",
       ErrorCode::unsupported_media_type, "unknown format"},
      {"POST", maps, "application/yaml", "a: [", ErrorCode::bad_request, "line"},
      {"PATCH", map, "application/apply-patch+yaml", "{}", ErrorCode::unsupported_media_type,
       "unknown format"},
      {"PATCH", map, "application/merge-patch+json", "{", ErrorCode::bad_request, "JSON"},
      {"PATCH", map, "application/merge-patch+json", "{}", ErrorCode::not_found,
       "configmaps \"a\" not found"},
      {"DELETE", map, "application/json", R"({"propagationPolicy":"Sideways"})", ErrorCode::invalid,
       "propagationPolicy"},
      {"PUT", maps, "application/json", "{}", ErrorCode::method_not_allowed, "PUT"},
      {"GET", "/api/v1/widgets", "", "", ErrorCode::not_found, "could not find"},
      {"GET", "/apis/example.com/v1/widgets/a", "", "", ErrorCode::not_found, "could not find"},
      {"GET", "/api/v1/namespaces/default/pods/a/b/c", "", "", ErrorCode::not_found,
       "could not find"},
      {"GET", "/api/v1/pods?watch=true&resourceVersion=x", "", "", ErrorCode::bad_request,
       "resourceVersion"},
      {"POST", maps + "?dryRun=Some", "application/json", "{}", ErrorCode::invalid, "dryRun"},
      {"POST", maps, "application/json", std::string(4'000'000, ' '), ErrorCode::too_large,
       "too large"},
      {"POST", "/api/v1/namespaces/default/pods/p/exec?command=a", "application/json", "",
       ErrorCode::bad_request, "Upgrade"},
  };
  HttpClient http(*target_of(config_));
  for (const BadCase& bad : cases) {
    HttpRequest request;
    request.method = bad.method;
    request.target = request.path = bad.target;
    request.body = bad.body;
    if (*bad.type != 0) request.headers.emplace("Content-Type", bad.type);
    auto got = http.send(request);
    ASSERT_TRUE(got) << bad.target << ": " << got.error().message();
    auto status = parse_json(got->body);
    ASSERT_TRUE(status) << got->body;
    EXPECT_EQ(string_or(*status, "kind"), "Status");
    EXPECT_EQ(int_or(*status, "code"), got->status);
    EXPECT_NE(string_or(*status, "message").find(bad.text), std::string::npos)
        << bad.method << " " << bad.target << " " << bad.body.substr(0, 80) << " -> " << got->body;
    EXPECT_GE(got->status, 400);
  }
}

TEST_F(ApiTest, AcceptsYamlAndMissingContentType) {
  HttpClient http(*target_of(config_));
  HttpRequest request;
  request.method = "POST";
  request.target = request.path = "/api/v1/namespaces/default/configmaps";
  request.body = R"({"metadata":{"name":"plain"}})";
  EXPECT_EQ(http.send(request)->status, 201);
  request.headers.emplace("Content-Type", "application/yaml");
  request.body = "metadata:\n  name: yaml\ndata:\n  a: b\n";
  auto got = http.send(request);
  EXPECT_EQ(got->status, 201) << got->body;
}

TEST_F(ApiTest, KubectlsOlderVersionOfEndpointSlicesIsReadOneByOne) {
  const Json slice = {
      {"metadata", {{"name", "web-1"}}},
      {"addressType", "IPv4"},
      {"endpoints", Json::array({{{"addresses", {"172.16.0.1"}}, {"nodeName", "k8s-w1"}}})}};
  ASSERT_TRUE(client_->create(kind("EndpointSlice"), "default", slice));
  const std::string all = "/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices";
  auto one = client_->request("GET", all + "/web-1", Json());
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ((*one)["apiVersion"], "discovery.k8s.io/v1beta1");
  EXPECT_EQ((*one)["endpoints"][0]["topology"]["kubernetes.io/hostname"], "k8s-w1");
  EXPECT_EQ(client_->request("GET", all, Json()).error().code(), ErrorCode::not_found);
  EXPECT_EQ(client_->request("DELETE", all + "/web-1", Json()).error().code(),
            ErrorCode::not_found);
  EXPECT_TRUE(client_->get(kind("EndpointSlice"), "default", "web-1"));
}

TEST_F(ApiTest, DiscoveryInBothForms) {
  Json classic = *client_->request("GET", "/apis");
  EXPECT_EQ(string_or(classic, "kind"), "APIGroupList");
  Json apps = *client_->request("GET", "/apis/apps/v1");
  std::set<std::string> names;
  for (const Json& resource : apps["resources"]) names.insert(string_or(resource, "name"));
  EXPECT_TRUE(names.contains("deployments"));
  EXPECT_TRUE(names.contains("deployments/scale"));
  HttpClient http(*target_of(config_));
  HttpRequest request;
  request.target = request.path = "/apis";
  request.headers.emplace("Accept",
                          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
                          "application/json");
  auto got = http.send(request);
  ASSERT_TRUE(got);
  EXPECT_NE(got->content_type.find("as=APIGroupDiscoveryList"), std::string::npos);
  EXPECT_EQ(string_or(*parse_json(got->body), "kind"), "APIGroupDiscoveryList");
}

}  // namespace
}  // namespace hoplab::web
