#include "store/revision_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"

namespace hoplab {
namespace {

std::unique_ptr<RevisionLog> open_log(const std::string& path, LogOptions options = {}) {
  auto log = RevisionLog::open(path, options);
  EXPECT_TRUE(log.ok()) << log.error().message();
  return std::move(log).value();
}

Result<LogRow> append(RevisionLog& log, LogWrite write) {
  auto rows = log.append(std::span(&write, 1));
  if (!rows) return std::move(rows).error();
  return std::move((*rows)[0]);
}

TEST(RevisionLog, CountsRevisionsAndComparesBeforeItSets) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  auto a1 = append(*log, {.key = "pods/a", .value = "1", .expected = 0});
  ASSERT_TRUE(a1.ok());
  EXPECT_EQ(a1->revision, 1);
  EXPECT_EQ(a1->created, 1);
  EXPECT_EQ(append(*log, {.key = "pods/a", .value = "2", .expected = 0}).error().code(),
            ErrorCode::already_exists);
  EXPECT_EQ(append(*log, {.key = "pods/a", .value = "2", .expected = 7}).error().code(),
            ErrorCode::conflict);
  EXPECT_EQ(append(*log, {.key = "pods/b", .value = "2", .expected = 7}).error().code(),
            ErrorCode::not_found);
  auto a2 = append(*log, {.key = "pods/a", .value = "2", .expected = 1});
  ASSERT_TRUE(a2.ok());
  EXPECT_EQ(*a2,
            (LogRow{.revision = 2, .key = "pods/a", .value = "2", .created = 1, .previous = 1}));
  EXPECT_EQ(log->get("pods/a")->value, "2");
  EXPECT_EQ(log->get("pods/a", 1)->value, "1");
  EXPECT_EQ(log->revision(), 2);
}

TEST(RevisionLog, AKeyThatComesBackIsNew) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  ASSERT_TRUE(append(*log, {.key = "a", .value = "1", .expected = 0}).ok());
  ASSERT_TRUE(append(*log, {.key = "a", .value = "1", .expected = 1, .remove = true}).ok());
  EXPECT_EQ(log->get("a").error().code(), ErrorCode::not_found);
  EXPECT_EQ(append(*log, {.key = "a", .value = "", .expected = {}, .remove = true}).error().code(),
            ErrorCode::not_found);
  auto back = append(*log, {.key = "a", .value = "3", .expected = 0});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->created, 3);
  EXPECT_EQ(back->previous, 2);
  EXPECT_EQ(log->get("a")->created, 3);
}

TEST(RevisionLog, ListsByPrefixAtARevision) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  for (const char* key : {"pods/x/b", "pods/x/a", "pods/y/a", "podsets/x/a"}) {
    ASSERT_TRUE(append(*log, {.key = key, .value = key, .expected = 0}).ok());
  }
  ASSERT_TRUE(append(*log, {.key = "pods/x/a", .value = "", .expected = {}, .remove = true}).ok());
  auto keys = [&](const std::string& prefix, int64_t revision) {
    std::vector<std::string> out;
    const std::vector<LogRow> rows = log->list(prefix, revision).value();
    for (const LogRow& row : rows) out.push_back(row.key);
    return out;
  };
  EXPECT_EQ(keys("pods/", 0), (std::vector<std::string>{"pods/x/b", "pods/y/a"}));
  EXPECT_EQ(keys("pods/", 4), (std::vector<std::string>{"pods/x/a", "pods/x/b", "pods/y/a"}));
  EXPECT_EQ(keys("pods/x/", 1), (std::vector<std::string>{"pods/x/b"}));
  EXPECT_EQ(log->list("pods/", 99).error().code(), ErrorCode::timed_out);
}

TEST(RevisionLog, AfterTellsWhatWasReplaced) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  ASSERT_TRUE(append(*log, {.key = "a", .value = "1", .expected = 0}).ok());
  ASSERT_TRUE(append(*log, {.key = "b", .value = "x", .expected = 0}).ok());
  ASSERT_TRUE(append(*log, {.key = "a", .value = "2", .expected = 1}).ok());
  ASSERT_TRUE(append(*log, {.key = "a", .value = "2", .expected = 3, .remove = true}).ok());
  ASSERT_TRUE(append(*log, {.key = "a", .value = "4", .expected = 0}).ok());
  auto changes = log->after(1, "a", 10).value();
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].before, "1");
  EXPECT_TRUE(changes[1].row.deleted);
  EXPECT_EQ(changes[1].row.value, "2");
  EXPECT_FALSE(changes[2].before.has_value());
  EXPECT_EQ(log->after(0, "", 2).value().size(), 2U);
}

TEST(RevisionLog, CompactionForgetsOnlyThePast) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  auto log = open_log(path);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(append(*log, {.key = "a", .value = std::to_string(i), .expected = {}}).ok());
  }
  ASSERT_TRUE(append(*log, {.key = "b", .value = "b", .expected = 0}).ok());
  ASSERT_TRUE(append(*log, {.key = "b", .value = "b", .expected = 11, .remove = true}).ok());
  ASSERT_TRUE(log->compact(12).ok());
  EXPECT_EQ(log->list("", 5).error().code(), ErrorCode::too_old);
  EXPECT_EQ(log->after(5, "", 10).error().code(), ErrorCode::too_old);
  EXPECT_EQ(log->after(0, "", 10).error().code(), ErrorCode::too_old);
  EXPECT_EQ(log->list("", 12).value().size(), 1U);
  EXPECT_EQ(log->get("a")->value, "9");
  EXPECT_TRUE(log->after(12, "", 10).value().empty());
  log.reset();
  log = open_log(path);
  EXPECT_EQ(log->compacted(), 12);
  EXPECT_EQ(log->revision(), 12);
  // Revisions never repeat, also when the newest rows are gone.
  EXPECT_EQ(append(*log, {.key = "b", .value = "new", .expected = 0})->revision, 13);
}

TEST(RevisionLog, OneFailedExpectationLeavesTheOthersAlone) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  const std::vector<LogWrite> writes = {{.key = "a", .value = "1", .expected = 0},
                                        {.key = "a", .value = "2", .expected = 0},
                                        {.key = "b", .value = "1", .expected = 0}};
  auto rows = log->append(writes).value();
  EXPECT_TRUE(rows[0].ok());
  EXPECT_EQ(rows[1].error().code(), ErrorCode::already_exists);
  EXPECT_TRUE(rows[2].ok());
  EXPECT_EQ(log->list("").value().size(), 2U);
}

TEST(RevisionLog, AFullDiskUndoesTheWholeTransaction) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"), {.max_bytes = 200L * 1024});
  ASSERT_TRUE(append(*log, {.key = "a", .value = "kept", .expected = 0}).ok());
  const std::vector<LogWrite> writes = {
      {.key = "small", .value = "1", .expected = 0},
      {.key = "large", .value = std::string(1 << 20, 'x'), .expected = 0}};
  auto full = log->append(writes);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().sys_errno(), ENOSPC);
  EXPECT_NE(full.error().message().find("free some space"), std::string::npos);
  EXPECT_EQ(log->get("small").error().code(), ErrorCode::not_found);
  EXPECT_EQ(log->revision(), 1);
  EXPECT_TRUE(append(*log, {.key = "after", .value = "1", .expected = 0}).ok());
  EXPECT_EQ(log->list("").value().size(), 2U);
}

TEST(RevisionLog, ASecondProcessIsRefused) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  auto second = RevisionLog::open(dir.file("store.db"), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::unavailable);
}

TEST(RevisionLog, ADirectoryThatIsMissingIsNamed) {
  auto log = RevisionLog::open("/nonexistent/store.db", {});
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().message().find("/nonexistent/store.db"), std::string::npos);
}

void sql(const std::string& path, const char* text) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

/// Opening fails with `words` in the message, and every byte of the file is as before.
void expect_refused(const std::string& path, std::string_view words) {
  const std::string before = read_file(path).value();
  auto log = RevisionLog::open(path, {});
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().message().find(words), std::string::npos) << log.error().message();
  EXPECT_NE(log.error().message().find("left as it was"), std::string::npos);
  EXPECT_EQ(read_file(path).value(), before);
}

TEST(RevisionLog, ANewerStoreIsRefusedAndKept) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  open_log(path);
  sql(path, "PRAGMA user_version=99");
  expect_refused(path, "newer hoplab");
}

TEST(RevisionLog, AForeignDatabaseIsRefusedAndKept) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  sql(path, "CREATE TABLE photos (id INTEGER)");
  expect_refused(path, "not a hoplab store");
}

TEST(RevisionLog, ATextFileIsRefusedAndKept) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  ASSERT_TRUE(write_file(path, std::string(5000, 'x')).ok());
  expect_refused(path, "damaged");
}

TEST(RevisionLog, DamageIsNeverOverwritten) {
  TestDir dir;
  const std::string good = dir.file("good.db"), path = dir.file("store.db");
  {
    auto log = open_log(good);
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(append(*log, {.key = str("key-", i), .value = std::string(500, 'v')}).ok());
    }
  }
  const std::string bytes = read_file(good).value();
  std::mt19937 random(7);  // NOLINT: the same damage every time
  int refused = 0;
  for (int round = 0; round < 20; ++round) {
    std::string broken = bytes;
    const size_t page = (1 + random() % (broken.size() / 4096 - 1)) * 4096;
    for (size_t i = 0; i < 16; ++i) broken[page + i] = static_cast<char>(random());
    ASSERT_TRUE(replace_file(path, broken).ok());
    auto log = RevisionLog::open(path, {});
    if (log.ok()) continue;  // The bytes hit an unused place.
    ++refused;
    EXPECT_EQ(read_file(path).value(), broken);
  }
  EXPECT_GT(refused, 10);
}

TEST(RevisionLog, TheFileIsOnlyForItsOwner) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  ASSERT_TRUE(append(*log, {.key = "secrets/default/token", .value = "x"}).ok());
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(0077),
              std::filesystem::perms::none)
        << entry.path();
  }
}

TEST(RevisionLog, WaitsForAnOwnerThatIsOnItsWayOut) {
  TestDir dir;
  auto log = open_log(dir.file("store.db"));
  ASSERT_TRUE(append(*log, {.key = "a", .value = "1"}).ok());
  std::thread leaving([&] {
    std::this_thread::sleep_for(Millis(50));
    log.reset();
  });
  auto second = RevisionLog::open(dir.file("store.db"), {});
  leaving.join();
  ASSERT_TRUE(second.ok()) << second.error().message();
  EXPECT_EQ((*second)->revision(), 1);
}

/// A child that writes as fast as it can and reports each acknowledged revision.
[[noreturn]] void write_until_killed(const std::string& path, int report, Durability durability) {
  const auto stop = [](int code, const Error& error) {
    (void)write_all(STDERR_FILENO, "the writer: " + error.message() + "\n");
    _exit(code);
  };
  auto log = RevisionLog::open(path, {.durability = durability});
  if (!log) stop(1, log.error());
  for (int64_t n = 0;; ++n) {
    const LogWrite write{
        .key = str("key-", n % 50), .value = std::string(300, 'v'), .expected = {}};
    auto rows = (*log)->append(std::span(&write, 1));
    if (!rows || !(*rows)[0]) stop(2, rows ? (*rows)[0].error() : rows.error());
    const int64_t acknowledged = (*rows)[0]->revision;
    const std::string_view bytes(reinterpret_cast<const char*>(&acknowledged), 8);
    if (!write_all(report, bytes).ok() || n % 100 != 99) continue;
    if (auto done = (*log)->compact(acknowledged - 60); !done) stop(3, done.error());
  }
}

void kill_loop(Durability durability, int rounds) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  std::mt19937 random(11);  // NOLINT: repeatable
  int64_t total = 0;
  for (int round = 0; round < rounds; ++round) {
    Pipe pipe = make_pipe().value();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(path, pipe.write_end.get(), durability);
    pipe.write_end.reset();
    std::string acknowledged(8, '\0');
    ASSERT_EQ(read(pipe.read_end.get(), acknowledged.data(), 8), 8);  // It is at work now.
    usleep(random() % 30000);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    acknowledged += read_all(pipe.read_end.get()).value();
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    auto log = open_log(path);
    int64_t last = 0;
    memcpy(&last, acknowledged.data() + acknowledged.size() / 8 * 8 - 8, 8);
    ASSERT_GE(log->revision(), last);
    for (int64_t revision = std::max(log->compacted(), last - 20); revision < last; ++revision) {
      auto next = log->after(revision, "", 1);
      ASSERT_TRUE(next.ok()) << next.error().message();
      ASSERT_EQ(next->at(0).row.revision, revision + 1);
    }
    total = last;
  }
  EXPECT_GE(total, rounds);
}

TEST(RevisionLog, KillNineLosesNoAcknowledgedWrite) {
  kill_loop(Durability::normal, 20);
}
TEST(RevisionLog, KillNineLosesNoAcknowledgedWriteFull) {
  kill_loop(Durability::full, 5);
}

}  // namespace
}  // namespace hoplab
