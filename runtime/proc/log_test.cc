#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/proc/log_format.h"
#include "runtime/proc/log_reader.h"
#include "runtime/proc/log_writer.h"

namespace hoplab::proc {
namespace {

class Logs : public ::testing::Test {
 protected:
  Logs() {
    std::string pattern = ::testing::TempDir() + "hoplab-logs-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    spec_.path = directory_ + "/pod/web/0.log";
  }
  ~Logs() override { std::filesystem::remove_all(directory_); }
  Logs(const Logs&) = delete;
  Logs& operator=(const Logs&) = delete;

  LogWriter writer() { return *LogWriter::open(spec_); }
  std::string read_all_of(const LogQuery& query) {
    auto reader = LogReader::open(spec_.path, query);
    return reader ? drain(*reader) : reader.error().message();
  }
  static std::string drain(LogReader& reader) {
    std::string all;
    for (;;) {
      auto text = reader.read();
      EXPECT_TRUE(text) << text.error().message();
      if (!text || !*text) return all;
      all += **text;
    }
  }

  std::string directory_;
  LogSpec spec_;
  WallTime now_ = *parse_rfc3339("2026-11-23T05:00:00Z") + std::chrono::nanoseconds(120'000'001);
};

TEST_F(Logs, EntriesLookLikeTheCri) {
  LogWriter log = writer();
  log.write(LogStream::standard_output, "one\ntw", now_);
  log.write(LogStream::standard_error, "oops\n", now_);
  log.write(LogStream::standard_output, "o\n", now_);
  log.write(LogStream::standard_output, "rest", now_);
  log.finish(now_);
  EXPECT_EQ(*read_file(spec_.path),
            "2026-11-23T05:00:00.120000001Z stdout F one\n"
            "2026-11-23T05:00:00.120000001Z stderr F oops\n"
            "2026-11-23T05:00:00.120000001Z stdout F two\n"
            "2026-11-23T05:00:00.120000001Z stdout F rest\n");
  EXPECT_EQ(log.take_failure(), "");
}

TEST_F(Logs, ParsesWhatItWrites) {
  LogEntry entry{now_, LogStream::standard_error, true, "a b  c"};
  std::string line = format_log_entry(entry);
  auto back = parse_log_entry(line);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->time, entry.time);
  EXPECT_EQ(back->stream, entry.stream);
  EXPECT_TRUE(back->partial);
  EXPECT_EQ(back->text, "a b  c");
  for (const char* bad : {"", "x", "2026-11-23T05:00:00Z stdout X a", "now stdout F a",
                          "2026-11-23T05:00:00.Z stdout F a", "2026-11-23T05:00:00Z other F a"}) {
    EXPECT_FALSE(parse_log_entry(bad)) << bad;
  }
  EXPECT_EQ(parse_log_entry("2026-11-23T05:00:00Z stdout F")->text, "");
}

TEST_F(Logs, LongLinesAreSplitAndJoinedAgain) {
  std::string line(40'000, 'z');
  LogWriter log = writer();
  log.write(LogStream::standard_output, line + "\nshort\n", now_);
  EXPECT_THAT(*read_file(spec_.path), ::testing::HasSubstr("stdout P zzz"));
  EXPECT_EQ(read_all_of({}), line + "\nshort\n");
  EXPECT_EQ(read_all_of({.tail_lines = 2}), line + "\nshort\n");
  EXPECT_EQ(read_all_of({.tail_lines = 1}), "short\n");
}

TEST_F(Logs, RotatesBySizeAndReadsAcrossFiles) {
  spec_.max_bytes = 500;
  spec_.max_files = 3;
  LogWriter log = writer();
  for (int i = 0; i < 100; ++i) {
    log.write(LogStream::standard_output, "line " + std::to_string(i) + "\n", now_);
  }
  EXPECT_TRUE(std::filesystem::exists(spec_.path + ".2"));
  EXPECT_FALSE(std::filesystem::exists(spec_.path + ".3"));
  EXPECT_LE(std::filesystem::file_size(spec_.path + ".1"), 500U);
  EXPECT_EQ(read_all_of({.tail_lines = 12}).substr(0, 8), "line 88\n");
  EXPECT_THAT(read_all_of({}), ::testing::EndsWith("line 98\nline 99\n"));
}

TEST_F(Logs, AnswersQueries) {
  LogWriter log = writer();
  for (int i = 0; i < 5; ++i) {
    log.write(LogStream::standard_output, "l" + std::to_string(i) + "\n",
              now_ + std::chrono::seconds(i));
  }
  EXPECT_EQ(read_all_of({.tail_lines = 0}), "");
  EXPECT_EQ(read_all_of({.tail_lines = 99}), "l0\nl1\nl2\nl3\nl4\n");
  EXPECT_EQ(read_all_of({.since = now_ + std::chrono::seconds(3)}), "l3\nl4\n");
  EXPECT_EQ(read_all_of({.limit_bytes = 5}), "l0\nl1");
  EXPECT_EQ(read_all_of({.timestamps = true, .tail_lines = 1}),
            "2026-11-23T05:00:04.120000001Z l4\n");
  EXPECT_EQ(LogReader::open(directory_ + "/none", {}).error().code(), ErrorCode::not_found);
}

TEST_F(Logs, FollowsAcrossRotation) {
  spec_.max_bytes = 200;
  LogWriter log = writer();
  log.write(LogStream::standard_output, "first\n", now_);
  auto reader = LogReader::open(spec_.path, {});
  ASSERT_TRUE(reader);
  EXPECT_EQ(drain(*reader), "first\n");
  std::string expected;
  for (int i = 0; i < 12; ++i) {
    std::string line = "more " + std::to_string(i) + "\n";
    log.write(LogStream::standard_output, line, now_);
    expected += line;
  }
  EXPECT_TRUE(std::filesystem::exists(spec_.path + ".2"));
  reader->wait(Millis(1000));
  EXPECT_EQ(drain(*reader), expected);
}

/// Each step of a rotation, held: what a reader meets between two of the writer's renames.
TEST_F(Logs, ARotationUnderWayIsNeitherAnErrorNorALoss) {
  const auto line = [this](const std::string& text) {
    return format_log_entry({now_, LogStream::standard_output, false, text});
  };
  std::filesystem::create_directories(std::filesystem::path(spec_.path).parent_path());
  ASSERT_TRUE(write_file(spec_.path + ".1", line("one"), 0600));
  ASSERT_TRUE(write_file(spec_.path, line("two"), 0600));
  auto following = LogReader::open(spec_.path, {});
  ASSERT_TRUE(following);
  std::filesystem::rename(spec_.path + ".1", spec_.path + ".2");
  EXPECT_EQ(read_all_of({}), "one\ntwo\n") << "PATH.1 is missing";
  std::filesystem::rename(spec_.path, spec_.path + ".1");
  EXPECT_EQ(read_all_of({}), "one\ntwo\n") << "PATH is missing";
  EXPECT_EQ(read_all_of({.tail_lines = 1}), "two\n");
  auto opened = LogReader::open(spec_.path, {});
  ASSERT_TRUE(opened);
  EXPECT_EQ(drain(*opened), "one\ntwo\n");
  EXPECT_EQ(drain(*following), "one\ntwo\n");
  ASSERT_TRUE(write_file(spec_.path, line("three"), 0600));
  EXPECT_EQ(drain(*opened), "three\n");
  EXPECT_EQ(drain(*following), "three\n");
}

/// Readers that open at any moment of real rotations see whole lines, in order, without a gap.
TEST_F(Logs, ReadersThatOpenWhileFilesRotateSeeEveryLineOnce) {
  spec_.max_bytes = 200;
  spec_.max_files = 500;
  constexpr int lines = 400;
  std::thread writing([log = writer(), this]() mutable {
    for (int i = 0; i < lines; ++i) {
      log.write(LogStream::standard_output, std::to_string(i) + "\n", now_);
    }
  });
  for (bool last = false; !last;) {
    std::string all = read_all_of({});
    last = all.ends_with(str("\n", lines - 1, "\n"));
    std::string wanted;
    for (int i = 0; wanted.size() < all.size(); ++i) wanted += std::to_string(i) + "\n";
    EXPECT_EQ(all, wanted);
    if (all != wanted) break;
  }
  writing.join();
}

TEST_F(Logs, EmptiesInPlaceWhenOnlyOneFileIsAllowed) {
  spec_.max_bytes = 200;
  spec_.max_files = 1;
  LogWriter log = writer();
  for (int i = 0; i < 50; ++i) log.write(LogStream::standard_output, "again\n", now_);
  EXPECT_LE(std::filesystem::file_size(spec_.path), 200U);
  EXPECT_FALSE(std::filesystem::exists(spec_.path + ".1"));
}

TEST_F(Logs, RefusesToWriteThroughALink) {
  std::filesystem::create_directories(directory_ + "/pod/web");
  std::filesystem::create_symlink("/tmp/elsewhere", spec_.path);
  EXPECT_FALSE(LogWriter::open(spec_));
  EXPECT_FALSE(std::filesystem::exists("/tmp/elsewhere"));
}

}  // namespace
}  // namespace hoplab::proc
