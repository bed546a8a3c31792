// Watches through the API and our own client.

#include "runtime/base/text.h"
#include "web/api_fixture.h"

namespace hoplab::web {
namespace {

class ApiWatchTest : public ApiFixture {};

TEST_F(ApiWatchTest, WatchTellsChangesInOrder) {
  auto list = client_->list(kind("ConfigMap"), {});
  ASSERT_TRUE(list);
  auto watch = client_->watch(kind("ConfigMap"), {}, list->revision);
  ASSERT_TRUE(watch) << watch.error().message();
  EXPECT_FALSE((*(*watch)->next(Millis(0))).has_value());
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("a")));
  ASSERT_TRUE(client_->patch(kind("ConfigMap"), "default", "a", PatchType::merge,
                             {{"data", {{"n", "1"}}}}));
  ASSERT_TRUE(client_->remove(kind("ConfigMap"), "default", "a"));
  int64_t last = list->revision;
  for (EventType expected : {EventType::added, EventType::modified, EventType::deleted}) {
    auto event = (*watch)->next(Millis(5000));
    while (event && *event && (*event)->type == EventType::bookmark) {
      event = (*watch)->next(Millis(5000));
    }
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->type, expected);
    EXPECT_GT((*event)->revision, last);
    last = (*event)->revision;
  }
}

TEST_F(ApiWatchTest, WatchFromZeroStartsWithWhatIsThere) {
  auto watch = client_->watch(kind("Namespace"), {}, 0);
  ASSERT_TRUE(watch);
  auto event = (*watch)->next(Millis(5000));
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->type, EventType::added);
  EXPECT_EQ(api::name_of((*event)->object), "default");
}

TEST_F(ApiWatchTest, ATooOldWatchSaysSo) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client_->patch(kind("Namespace"), "", "default", PatchType::merge,
                               {{"metadata", {{"labels", {{"n", std::to_string(i)}}}}}}));
  }
  ASSERT_TRUE(store_->compact(store_->revision() - 50));
  auto watch = client_->watch(kind("Namespace"), {}, 1);
  Error error = watch ? Error(ErrorCode::internal, "no error") : watch.error();
  if (watch) {
    auto event = (*watch)->next(Millis(5000));
    if (!event) error = event.error();
  }
  EXPECT_EQ(error.code(), ErrorCode::too_old) << error.message();
}

TEST_F(ApiWatchTest, AWatchFromARevisionToComeIsExpired) {
  // With 410 kubectl and every client-go informer list again; they would wait for ever otherwise.
  HttpClient http(*target_of(config_));
  HttpRequest request;
  request.path = "/api/v1/pods";
  request.target = "/api/v1/pods?watch=true&resourceVersion=1000000";
  auto got = http.send(request);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 410);
  EXPECT_EQ(string_or(*parse_json(got->body), "reason"), "Expired");
  EXPECT_EQ(client_->watch(kind("Pod"), {}, 1'000'000).error().code(), ErrorCode::too_old);
}

TEST_F(ApiWatchTest, AWatcherThatDoesNotReadHoldsNobodyUpAndMissesNothingUnseen) {
  ASSERT_TRUE(client_->create(kind("ConfigMap"), "default", config_map("a")));
  auto watch = client_->watch(kind("ConfigMap"), {}, registry_->revision());
  ASSERT_TRUE(watch);
  // More than the sockets hold, and far more than the store remembers.
  for (int i = 0; i < 700; ++i) {
    const std::string text = str(i, std::string(30'000, 'x'));
    ASSERT_TRUE(client_->patch(kind("ConfigMap"), "default", "a", PatchType::merge,
                               {{"data", {{"k", text}}}}));
  }
  int64_t last = 0;
  for (int seen = 0;; ++seen) {
    auto event = (*watch)->next(Millis(20'000));
    if (!event && event.error().code() == ErrorCode::unavailable) {
      // Writing to who does not read has a time limit, which a slow machine reaches first: ask on,
      // as an informer does.
      watch = client_->watch(kind("ConfigMap"), {}, last);
      if (watch) continue;
      event = watch.error();
    }
    if (!event) {
      EXPECT_EQ(event.error().code(), ErrorCode::too_old) << event.error().message();
      EXPECT_GT(seen, 0);
      break;
    }
    ASSERT_TRUE(*event) << "neither an event nor an error";
    ASSERT_TRUE(last == 0 || (*event)->revision == last + 1) << last;
    last = (*event)->revision;
  }
  EXPECT_LT(last, registry_->revision());
}

TEST_F(ApiWatchTest, AWatchStopsFromAnotherThread) {
  auto watch = client_->watch(kind("Pod"), {}, 0);
  ASSERT_TRUE(watch);
  std::thread stopper([&] {
    std::this_thread::sleep_for(Millis(50));
    (*watch)->stop();
  });
  auto start = std::chrono::steady_clock::now();
  for (;;) {
    auto event = (*watch)->next(Millis(10'000));
    if (!event) {
      EXPECT_EQ(event.error().code(), ErrorCode::unavailable);
      break;
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis(3000));
  stopper.join();
}

TEST_F(ApiWatchTest, TimeoutSecondsEndsAWatchCleanly) {
  auto stream = client_->open_stream("/api/v1/pods?watch=true&timeoutSeconds=1");
  ASSERT_TRUE(stream);
  auto rest = (*stream)->read_all(1'000'000, Millis(5000));
  ASSERT_TRUE(rest) << rest.error().message();
}

}  // namespace
}  // namespace hoplab::web
