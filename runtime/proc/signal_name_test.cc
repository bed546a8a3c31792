#include "runtime/proc/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hoplab::proc {
namespace {

TEST(SignalName, KnowsEveryWayToWriteOne) {
  EXPECT_EQ(signal_number("SIGQUIT"), SIGQUIT);
  EXPECT_EQ(signal_number("QUIT"), SIGQUIT);
  EXPECT_EQ(signal_number("quit"), SIGQUIT);
  EXPECT_EQ(signal_number("3"), SIGQUIT);
  EXPECT_EQ(signal_number("SIGALRM"), SIGALRM);
  EXPECT_EQ(signal_number("SIGSEGV"), SIGSEGV);
  EXPECT_EQ(signal_number("SIGIO"), SIGIO);
  EXPECT_EQ(signal_number("SIGPOLL"), SIGPOLL);
  EXPECT_EQ(signal_number("SIGCLD"), SIGCHLD);
  EXPECT_EQ(signal_number("SIGSTKFLT"), SIGSTKFLT);
  EXPECT_EQ(signal_number("SIGSYS"), SIGSYS);
}

TEST(SignalName, CountsRealTimeSignalsAsDockerDoes) {
  EXPECT_EQ(signal_number("SIGRTMIN"), 34);
  EXPECT_EQ(signal_number("SIGRTMIN+3"), 37);
  EXPECT_EQ(signal_number("RTMIN+15"), 49);
  EXPECT_EQ(signal_number("SIGRTMAX-14"), 50);
  EXPECT_EQ(signal_number("SIGRTMAX"), 64);
  EXPECT_EQ(signal_number("64"), 64);
}

TEST(SignalName, RefusesOtherWords) {
  for (const char* text : {"", "SIG", "0", "65", "-1", "3x", "SIGNONE", "RTMIN-1", "RTMIN+31",
                           "RTMAX+1", "RTMIN+", "SIGRTMIN+x"}) {
    EXPECT_FALSE(signal_number(text)) << text;
  }
}

}  // namespace
}  // namespace hoplab::proc
