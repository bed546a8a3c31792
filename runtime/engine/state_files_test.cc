#include "runtime/engine/state_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/test_dir.h"

namespace hoplab::engine {
namespace {

TEST(StateFiles, KeepAndForget) {
  const TestDir dir;
  const Log log("test", -1);
  auto files = StateFiles::open(dir.path() + "/engine");
  ASSERT_TRUE(files) << files.error().message();
  Container older, newer;
  older.id = "1";
  older.created_at = 5;
  newer.id = "2";
  newer.created_at = 9;
  newer.log_path = files->log_path("2");
  Network network;
  network.name = "lab";
  ASSERT_TRUE(files->save(newer));
  ASSERT_TRUE(files->save(older));
  ASSERT_TRUE(files->save(std::vector<Network>{network}));
  ASSERT_TRUE(write_file(newer.log_path, "text"));
  auto contents = files->load(log);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->containers, (std::vector<Container>{older, newer}));
  EXPECT_EQ(contents->networks, (std::vector<Network>{network}));
  files->forget(newer);
  EXPECT_NE(::access(newer.log_path.c_str(), F_OK), 0);
  EXPECT_EQ(files->load(log)->containers, (std::vector<Container>{older}));
}

TEST(StateFiles, ADamagedFileIsSetAside) {
  const TestDir dir;
  const Log log("test", -1);
  auto files = StateFiles::open(dir.path());
  ASSERT_TRUE(files);
  const std::string path = dir.path() + "/containers/1.json";
  ASSERT_TRUE(write_file(path, "{\"id\": 7}"));
  ASSERT_TRUE(write_file(dir.path() + "/networks.json", "half a fi"));
  auto contents = files->load(log);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_TRUE(contents->containers.empty());
  EXPECT_TRUE(contents->networks.empty());
  EXPECT_EQ(read_file(path + ".damaged").value_or(""), "{\"id\": 7}");
  EXPECT_EQ(::access((dir.path() + "/networks.json.damaged").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace hoplab::engine
