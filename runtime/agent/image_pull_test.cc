#include "runtime/agent/image_pull.h"

#include <gmock/gmock.h>

#include "runtime/base/test_dir.h"

namespace hoplab::agent {
namespace {

const proc::ImageCatalog builtin("");

using testing::HasSubstr;

SteadyTime at(int seconds) {
  return SteadyTime{} + std::chrono::seconds(seconds);
}

TEST(ImagePull, AKnownImageIsThere) {
  ContainerRecord container;
  EXPECT_FALSE(
      look_for_image(builtin, {{"image", "docker.io/library/nginx:1.21"}}, container, at(1)));
}

TEST(ImagePull, PullsAndBacksOffInTurn) {
  ContainerRecord container;
  const Json spec = {{"image", "redis:6"}};
  auto first = look_for_image(builtin, spec, container, at(0));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->waiting_reason, "ErrImagePull");
  EXPECT_THAT(first->waiting_message, HasSubstr("nginx")) << "the images that exist are listed";
  ASSERT_EQ(first->events.size(), 3U);
  EXPECT_EQ(first->events[0].message, "Pulling image \"redis:6\"");
  EXPECT_THAT(first->events[1].message,
              HasSubstr("Failed to pull image \"redis:6\": rpc error: code = NotFound desc = "));
  EXPECT_EQ(first->events[2].message, "Error: ErrImagePull");
  EXPECT_EQ(container.retry_at, at(2));

  auto second = look_for_image(builtin, spec, container, at(2));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->waiting_reason, "ImagePullBackOff");
  EXPECT_EQ(second->waiting_message, "Back-off pulling image \"redis:6\"");
  ASSERT_EQ(second->events.size(), 2U);
  EXPECT_EQ(second->events[0],
            (ImageProblem::Event{"Normal", "BackOff", "Back-off pulling image \"redis:6\""}));
  EXPECT_EQ(container.retry_at, at(10));

  EXPECT_EQ(look_for_image(builtin, spec, container, at(10))->waiting_reason, "ErrImagePull");
  EXPECT_EQ(look_for_image(builtin, spec, container, at(12))->waiting_reason, "ImagePullBackOff");
  EXPECT_EQ(container.retry_at, at(30)) << "the second wait is twice as long";
}

TEST(ImagePull, NeverMeansNever) {
  ContainerRecord container;
  auto problem =
      look_for_image(builtin, {{"image", "redis"}, {"imagePullPolicy", "Never"}}, container, at(0));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->waiting_reason, "ErrImageNeverPull");
  EXPECT_EQ(problem->waiting_message,
            "Container image \"redis\" is not present with pull policy of Never");
}

TEST(ImagePull, WhatIsThereAndDamagedIsNoPullAndNoBadName) {
  TestDir folder;
  ASSERT_TRUE(write_file(folder.file("index.json"), "{"));
  ContainerRecord container;
  auto problem =
      look_for_image(proc::ImageCatalog(folder.path()), {{"image", "nginx"}}, container, at(0));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->waiting_reason, "ImageInspectError");
  EXPECT_THAT(problem->waiting_message, HasSubstr("Failed to inspect image \"nginx\": "));
  EXPECT_EQ(container.retry_at, at(10));
}

TEST(ImagePull, ABadNameIsNoPull) {
  ContainerRecord container;
  auto problem = look_for_image(builtin, {{"image", "Nginx"}}, container, at(0));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->waiting_reason, "InvalidImageName");
  EXPECT_THAT(problem->waiting_message, HasSubstr("repository name must be lowercase"));
}

}  // namespace
}  // namespace hoplab::agent
