#include "runtime/base/architecture.h"

#include <gtest/gtest.h>

namespace hoplab {
namespace {

TEST(Architecture, IsInGosWords) {
  EXPECT_EQ(go_architecture("x86_64"), "amd64");
  EXPECT_EQ(go_architecture("aarch64"), "arm64");
  EXPECT_EQ(go_architecture("armv7l"), "arm");
  EXPECT_EQ(go_architecture("i686"), "386");
  EXPECT_EQ(go_architecture("ppc64le"), "ppc64le");
  EXPECT_EQ(go_architecture("riscv64"), "riscv64");
  EXPECT_EQ(go_architecture("loongarch64"), "loong64");
}

TEST(Architecture, OfThisMachineIsThatOfThisProgram) {
#if defined(__x86_64__)
  EXPECT_EQ(machine_architecture(), "amd64");
#elif defined(__aarch64__)
  EXPECT_EQ(machine_architecture(), "arm64");
#else
  EXPECT_FALSE(machine_architecture().empty());
#endif
}

}  // namespace
}  // namespace hoplab
