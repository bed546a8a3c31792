#include "runtime/image/unpack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "runtime/image/entry_path.h"
#include "runtime/image/test_archive.h"

namespace hoplab::image {
namespace {

namespace fs = std::filesystem;

class Unpack : public ::testing::Test {
 protected:
  Result<UnpackReport> unpack_text(const std::string& text, UnpackOptions options = {}) {
    write_text(folder_.file("archive.tar"), text);
    fs::create_directory(folder_.file("root"));
    HOP_TRY(TarReader reader,
            TarReader::open(*open_fd(folder_.file("archive.tar"), O_RDONLY), "test"));
    HOP_TRY(Fd root, open_fd(folder_.file("root"), O_RDONLY | O_DIRECTORY));
    return unpack(reader, root, options);
  }
  [[nodiscard]] std::string at(std::string_view path) const {
    return str(folder_.file("root/"), path);
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
  }

  TestDir folder_;
};

TEST_F(Unpack, MakesFilesDirectoriesAndLinks) {
  auto report = unpack_text(TarText()
                                .directory("./")
                                .directory("etc/", 0500)
                                .file("etc/hosts", "127.0.0.1 localhost\n", 0640)
                                .symlink("lib", "usr/lib")
                                .file("usr/lib/libc.so", "code", 04755)
                                .hardlink("lib/libc.so.6", "usr/lib/libc.so")
                                .fifo("run/initctl")
                                .text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(text_of_file(at("etc/hosts")), "127.0.0.1 localhost\n");
  EXPECT_EQ(mode_of(at("etc/hosts")), 0640U);
  EXPECT_EQ(mode_of(at("etc")), 0500U);
  EXPECT_EQ(mode_of(at("usr/lib/libc.so")), 04755U);
  EXPECT_EQ(fs::hard_link_count(at("usr/lib/libc.so.6")), 2U);  // written through the link "lib"
  EXPECT_TRUE(fs::is_fifo(at("run/initctl")));
  EXPECT_EQ(report->bytes, 24U);
  EXPECT_EQ(report->entries, 7U);
  // The archive's owner is root, whom an ordinary user cannot give files to.
  std::vector<std::string> notes;
  if (::geteuid() != 0) notes = {"6 files belong to other users (0); here they are yours"};
  EXPECT_EQ(report->notes, notes);
}

TEST_F(Unpack, RefusesNamesThatLeadOut) {
  for (const char* path : {"../out", "a/../../out", "/../out"}) {
    auto report = unpack_text(TarText().file(path, "x").text());
    ASSERT_FALSE(report) << path;
    EXPECT_NE(report.error().message().find("leads out"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_.file("out")));
    fs::remove_all(folder_.file("root"));
  }
}

TEST_F(Unpack, FollowsLinksOnlyInside) {
  std::string outside = folder_.file("outside");
  fs::create_directory(outside);
  auto report = unpack_text(TarText()
                                .directory(outside.substr(1))
                                .directory("outside")
                                .symlink("abs", outside)
                                .file("abs/one", "1")
                                .symlink("up", "../outside")
                                .file("up/two", "2")
                                .symlink("name", outside + "/three")
                                .file("name", "3")
                                .text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(fs::is_empty(outside));
  EXPECT_EQ(text_of_file(at(outside.substr(1) + "/one")), "1");  // the link's path, below the root
  EXPECT_EQ(text_of_file(at("outside/two")), "2");
  EXPECT_EQ(text_of_file(at("name")), "3");  // took the link's place instead of following it
}

TEST_F(Unpack, ADanglingLinkOnTheWayIsAnError) {
  std::string outside = folder_.file("outside");
  fs::create_directory(outside);
  EXPECT_FALSE(unpack_text(TarText().symlink("abs", outside).file("abs/one", "1").text()));
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(Unpack, HardLinksStayInside) {
  write_text(folder_.file("secret"), "mine");
  auto out = unpack_text(TarText().hardlink("copy", "../secret").text());
  EXPECT_FALSE(out);
  fs::remove_all(folder_.file("root"));
  auto absolute = unpack_text(TarText().hardlink("copy", folder_.file("secret")).text());
  EXPECT_FALSE(absolute);
  EXPECT_EQ(fs::hard_link_count(folder_.file("secret")), 1U);
}

TEST_F(Unpack, LeavesDevicesOut) {
  auto report = unpack_text(TarText().device("dev/sda").file("a", "1").text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_FALSE(fs::exists(at("dev/sda")));
  ASSERT_FALSE(report->notes.empty());
  EXPECT_EQ(report->notes[0], "1 device nodes or the like were left out");
}

TEST_F(Unpack, StopsAtItsLimits) {
  auto many = unpack_text(TarText().file("a", "").file("b", "").file("c", "").text(),
                          {.limits = {.entries = 2}});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code(), ErrorCode::too_large);
  fs::remove_all(folder_.file("root"));
  auto large = unpack_text(TarText().file("a", "12345").file("b", "678901").text(),
                           {.limits = {.bytes = 10}});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), ErrorCode::too_large);
  EXPECT_FALSE(fs::exists(at("b")) && fs::file_size(at("b")) > 5);
}

TEST_F(Unpack, LaterMembersTakeTheNamesOfEarlierOnes) {
  auto report = unpack_text(TarText()
                                .file("a/b/c", "deep")
                                .file("a", "now a file")
                                .file("d", "file")
                                .directory("d/")
                                .file("d/e", "in it")
                                .text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(text_of_file(at("a")), "now a file");
  EXPECT_EQ(text_of_file(at("d/e")), "in it");
}

TEST_F(Unpack, TurnsWhiteoutsIntoOverlayfsForm) {
  auto report = unpack_text(TarText()
                                .file("etc/.wh.passwd", "")
                                .file("opaque/.wh..wh..opq", "")
                                .file("opaque/new", "1")
                                .file("both/kept", "1")
                                .file(".wh.both", "")
                                .file(".wh..wh.plnk", "")
                                .text(),
                            {.whiteouts = Whiteouts::overlay_user});
  if (!report && report.error().sys_errno() == ENOTSUP) GTEST_SKIP() << "no user xattrs here";
  ASSERT_TRUE(report) << report.error().message();
  struct stat info {};
  ASSERT_EQ(::stat(at("etc/passwd").c_str(), &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
  EXPECT_EQ(info.st_rdev, 0U);
  char value = 0;
  EXPECT_EQ(::getxattr(at("opaque").c_str(), "user.overlay.opaque", &value, 1), 1);
  EXPECT_EQ(value, 'y');
  // A whiteout beside the same layer's own directory hides only what lies below.
  EXPECT_EQ(text_of_file(at("both/kept")), "1");
  EXPECT_EQ(::getxattr(at("both").c_str(), "user.overlay.opaque", &value, 1), 1);
  EXPECT_FALSE(fs::exists(at(".wh.both")));
}

TEST_F(Unpack, WhatFollowsAWhiteoutStandsInsteadOfTheLowerFolder) {
  auto report = unpack_text(TarText().file(".wh.foo", "").file("foo/bar/new", "1").text(),
                            {.whiteouts = Whiteouts::overlay_user});
  if (!report && report.error().sys_errno() == ENOTSUP) GTEST_SKIP() << "no user xattrs here";
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(text_of_file(at("foo/bar/new")), "1");
  char value = 0;
  EXPECT_EQ(::getxattr(at("foo").c_str(), "user.overlay.opaque", &value, 1), 1);
  EXPECT_LT(::getxattr(at("foo/bar").c_str(), "user.overlay.opaque", &value, 1), 0);
}

TEST_F(Unpack, AHardLinkToItselfChangesNothing) {
  auto report = unpack_text(
      TarText().file("a", "1").hardlink("a", "./a").hardlink("b", "a").hardlink("b", "a").text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(text_of_file(at("a")), "1");
  EXPECT_EQ(fs::hard_link_count(at("a")), 2U);
  fs::remove_all(folder_.file("root"));
  EXPECT_FALSE(unpack_text(TarText().hardlink("a", "a").text()));
}

TEST_F(Unpack, ModesAreThoseOfTheArchiveWhateverTheUmaskIs) {
  mode_t before = ::umask(0077);
  auto report = unpack_text(TarText()
                                .header("run/pipe", '6', 0622, 0, "")
                                .file("f", "1", 0666)
                                .directory("d", 01777)
                                .text());
  ::umask(before);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(mode_of(at("run")), 0755U);
  EXPECT_EQ(mode_of(at("run/pipe")), 0622U);
  EXPECT_EQ(mode_of(at("f")), 0666U);
  EXPECT_EQ(mode_of(at("d")), 01777U);
}

TEST_F(Unpack, DamageIsAnError) {
  std::string text = TarText().file("a", std::string(4000, 'x')).text();
  auto cut = unpack_text(text.substr(0, 1500));
  ASSERT_FALSE(cut);
  fs::remove_all(folder_.file("root"));
  auto nonsense = unpack_text("this is not an archive at all");
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().code(), ErrorCode::bad_request);
}

TEST(RemoveTree, NeedsNeitherDepthNorModes) {
  TestDir folder;
  auto parent = open_fd(folder.path(), O_RDONLY | O_DIRECTORY);
  // Deeper than a path may be long and than there are descriptors.
  std::string name(200, 'd');
  ASSERT_EQ(::mkdirat(parent->get(), "top", 0700), 0);
  Fd here = *open_fd(folder.file("top"), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 1200; ++i) {
    ASSERT_EQ(::mkdirat(here.get(), name.c_str(), 0700), 0);
    here = Fd(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(here);
  }
  ASSERT_EQ(::mkdirat(here.get(), "closed", 0000), 0);
  auto removed = remove_tree(*parent, "top");
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_TRUE(remove_tree(*parent, "never there"));
}

TEST(EntryPath, SplitsAndRefuses) {
  EXPECT_EQ(split_entry_path("./usr//bin/./env")->parent, "usr/bin");
  EXPECT_EQ(split_entry_path("/usr")->full(), "usr");
  EXPECT_EQ(split_entry_path("./")->name, "");
  EXPECT_FALSE(split_entry_path("a/.."));
  EXPECT_FALSE(split_entry_path(std::string(300, 'a')));
  EXPECT_FALSE(split_entry_path(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace hoplab::image
