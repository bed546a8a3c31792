#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "runtime/base/text.h"
#include "runtime/image/folder.h"
#include "runtime/image/store.h"
#include "runtime/image/test_archive.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/node_fixture.h"
#include "tests/kernel/sandbox_netns.h"

// Real pods and containers: namespaces, root file system, rights, streams, ends.

namespace hoplab::test {
namespace {

using namespace proc;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Containers : public NodeTest {};

TEST_F(Containers, RunWriteTheirLogAndExit) {
  sandbox("p");
  ContainerStatus status = start(container("c", "p", {"sh", "-c", "echo hi; echo no >&2; exit 3"}));
  EXPECT_NE(status.started_at, 0);
  status = wait_exit("c");
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_EQ(status.signal, 0);
  EXPECT_EQ(status.reason, "Error");
  EXPECT_GE(status.finished_at, status.started_at);
  EXPECT_THAT(log_of("c"), AllOf(HasSubstr("hi\n"), HasSubstr("no\n")));
  std::string raw = *read_file(directory() + "/logs/c.log");
  EXPECT_THAT(raw, AllOf(HasSubstr("Z stdout F hi\n"), HasSubstr("Z stderr F no\n")));

  start(container("good", "p", {"true"}));
  EXPECT_EQ(wait_exit("good").reason, "Completed");
}

TEST_F(Containers, HaveTheirOwnProcessesHostnameAndPodNetwork) {
  RunningSandbox pod = sandbox("p");
  ASSERT_TRUE(start(container("c", "p", {"sleep", "1000"})).pid > 0);
  EXPECT_EQ(sh("cat /proc/1/comm"), "sleep");
  EXPECT_EQ(sh("hostname"), "p");
  EXPECT_EQ(sh("cat /etc/hostname"), "p");
  struct stat netns {};
  ASSERT_EQ(::fstat(pod.netns.get(), &netns), 0);
  EXPECT_EQ(sh("stat -Lc %i /proc/self/ns/net"), std::to_string(netns.st_ino));
  EXPECT_EQ(sh("ls /sys/class/net"), "lo");
  EXPECT_THAT(sh("cat /sys/class/net/lo/flags"), "0x9");  // IFF_UP | IFF_LOOPBACK
  EXPECT_EQ(sh("set -- /proc/[0-9]*; echo $#"), "2") << "sleep, sh";
}

TEST_F(Containers, SeeAPrivateRoot) {
  // On the node, but never in a container.
  ASSERT_TRUE(write_file("/run/secret-of-the-node", "x"));
  start_sleeper();
  EXPECT_EQ(sh("ls /run"), "lock");
  EXPECT_EQ(sh("ls -A /home /root /mnt /opt /srv"), "/home:\n\n/mnt:\n\n/opt:\n\n/root:\n\n/srv:");
  EXPECT_THAT(sh("cat /etc/passwd"), Not(HasSubstr("hoptest")));
  EXPECT_EQ(sh("ls /etc/shadow"), "ls: cannot access '/etc/shadow': No such file or directory");
  EXPECT_THAT(sh("touch /usr/x"), HasSubstr("Read-only file system"));
  EXPECT_THAT(sh("grep ' /usr/local/bin/hoplab ' /proc/self/mountinfo"), HasSubstr(" ro,"));
  EXPECT_EQ(sh("echo ok > /tmp/x && cat /tmp/x; stat -c %a /tmp"), "ok\n1777");
  EXPECT_EQ(sh("ls /dev | tr '\\n' ' '"),
            "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom "
            "zero ")
      << "a container without a terminal has no console";
  EXPECT_EQ(sh("head -c 4 /dev/zero | wc -c; echo x > /dev/null && echo fine"), "4\nfine");
  EXPECT_THAT(sh("cut -d' ' -f5 /proc/self/mountinfo"), Not(HasSubstr("/work")));
  EXPECT_EQ(sh("cat /proc/1/root/run/secret-of-the-node"),
            "cat: /proc/1/root/run/secret-of-the-node: No such file or directory");
}

TEST_F(Containers, DeviceNodesDoNotOpenTheMachine) {
  start_sleeper();
  // As root mknod is allowed (Docker's MKNOD) but the node is dead; rootless it is not.
  std::string result = sh("cd /tmp; mknod disk b 254 0 && head -c 1 disk | wc -c");
  EXPECT_THAT(result, testing::AnyOf(HasSubstr("Permission denied"), HasSubstr("not permitted")));
}

TEST_F(Containers, HaveDockersRights) {
  start_sleeper();
  std::string effective = sh("grep CapEff /proc/self/status");
  EXPECT_THAT(effective, HasSubstr("00000000a80425fb"));
  EXPECT_THAT(sh("grep CapInh /proc/self/status"), HasSubstr("0000000000000000"));
  EXPECT_THAT(sh("echo 1 > /proc/sys/net/ipv4/ip_forward"), HasSubstr("Read-only file system"));
  EXPECT_EQ(sh("wc -c < /proc/keys; ls /sys/firmware"), "0");
  EXPECT_THAT(sh("mount -t tmpfs x /mnt"), HasSubstr("permission denied"));
  EXPECT_THAT(sh("ip link add type veth"), HasSubstr("Operation not permitted"));
}

TEST_F(Containers, SecurityContextIsHonoured) {
  start_sleeper([](ContainerSpec& spec) {
    spec.security.add_capabilities = {"NET_ADMIN"};
    spec.security.drop_capabilities = {"ALL"};
    spec.security.no_new_privileges = true;
    spec.security.read_only_root = true;
  });
  EXPECT_THAT(sh("grep CapEff /proc/self/status"), HasSubstr("0000000000001000"));
  EXPECT_THAT(sh("grep CapBnd /proc/self/status"), HasSubstr("0000000000001000"));
  EXPECT_THAT(sh("grep NoNewPrivs /proc/self/status"), HasSubstr("1"));
  EXPECT_THAT(sh("touch /tmp/x"), HasSubstr("Read-only file system"));
  EXPECT_EQ(sh("echo > /dev/shm/x && echo fine"), "fine");
  EXPECT_EQ(sh("ip link add name br0 type bridge && echo made"), "made");
}

TEST_F(Containers, PrivilegedOnesMayDoEverything) {
  start_sleeper([](ContainerSpec& spec) { spec.security.privileged = true; });
  EXPECT_EQ(sh("echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward"), "1");
  EXPECT_EQ(sh("mount -t tmpfs x /mnt && echo mounted"), "mounted");
  EXPECT_EQ(sh("ip link add type veth && echo made"), "made");
  EXPECT_EQ(sh("test -c /dev/net/tun && echo there"),
            ::access("/dev/net/tun", F_OK) == 0 ? "there" : "");
  EXPECT_THAT(sh("rm /dev/null"), HasSubstr("Read-only file system"));
}

TEST_F(Containers, OtherUsers) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sh", "-c", "id; echo x > /dev/stdout"});
  spec.security.run_as_user = 1000;
  spec.security.run_as_group = 1000;
  ContainerStatus status = start(spec);
  if (started_as_root()) {
    EXPECT_EQ(wait_exit("c").exit_code, 0);
    EXPECT_THAT(log_of("c"), AllOf(HasSubstr("uid=1000 gid=1000"), HasSubstr("\nx\n")));
  } else {
    EXPECT_EQ(status.state, ContainerState::exited);
    EXPECT_EQ(status.reason, "ContainerCannotRun");
    EXPECT_THAT(status.message,
                AllOf(HasSubstr("runAsUser 1000 does not exist here"), HasSubstr("uidmap")));
  }
}

TEST_F(Containers, AUsersGroupComesFromItsPasswd) {
  if (!started_as_root()) GTEST_SKIP() << "one user id only";
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sh", "-c", "id -u; id -g; echo $HOME"});
  spec.security.run_as_user = 33;  // www-data
  start(spec);
  wait_exit("c");
  EXPECT_THAT(log_of("c"), AllOf(HasSubstr("33\n33\n/var/www")));
  spec = container("d", "p", {"sh", "-c", "id -u; id -g"});
  spec.security.run_as_group = 3000;
  start(spec);
  wait_exit("d");
  EXPECT_EQ(log_of("d"), "0\n3000\n");
}

TEST_F(Containers, EnvironmentWorkingDirectoryAndArguments) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sh", "-c", "pwd; env | sort; echo $0 $1"});
  spec.args = {"zero", "one two"};
  spec.env = {{"A", "1"}, {"B", "x=y"}, {"A", "2"}};
  spec.working_dir = "/made/for/you";
  start(spec);
  wait_exit("c");
  EXPECT_EQ(log_of("c"),
            "/made/for/you\nA=2\nB=x=y\nHOME=/root\nHOSTNAME=p\n"
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
            "PWD=/made/for/you\nzero one two\n");
}

TEST_F(Containers, FindsProgramsInAPathOfItsOwn) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"env"});
  spec.env = {{"PATH", "/no:/usr/bin"}};
  EXPECT_EQ(start(spec).message, "");
  EXPECT_EQ(wait_exit("c").exit_code, 0);
}

TEST_F(Containers, WhatCannotStartSaysWhy) {
  sandbox("p");
  struct Case {
    const char* id;
    std::vector<std::string> command;
    int exit_code;
    const char* message;
  };
  const Case cases[] = {
      {"a", {"nonsense"}, 127, "exec: \"nonsense\": executable file not found in $PATH"},
      {"b", {"/no/such"}, 127, "exec: \"/no/such\": stat /no/such: no such file or directory"},
      {"c", {"/etc/passwd"}, 126, "exec: \"/etc/passwd\": permission denied"},
      {"d", {"/tmp"}, 126, "exec: \"/tmp\": is a directory"},
  };
  for (const Case& one : cases) {
    ContainerStatus status = start(container(one.id, "p", one.command));
    EXPECT_EQ(status.state, ContainerState::exited);
    EXPECT_EQ(status.reason, "ContainerCannotRun");
    EXPECT_EQ(status.exit_code, one.exit_code) << one.message;
    EXPECT_EQ(status.message, one.message);
  }
  ContainerSpec mount = container("e", "p", {"true"});
  mount.mounts = {{"/no/such/source", "/data", false}};
  EXPECT_THAT(start(mount).message, HasSubstr("mounting /no/such/source: No such file"));
  ContainerSpec image = container("f", "p", {"true"});
  image.image = "mysql:8";
  auto refused = client().start_container(image);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::not_found);
  EXPECT_THAT(refused.error().message(), HasSubstr("built-in images (nginx, "));
}

TEST_F(Containers, MountsWorkAndStayInside) {
  std::string volume = directory() + "/volume";
  std::filesystem::create_directories(volume + "/sub");
  // Links that a container could have left in a shared volume, to catch the next one's mounts.
  std::filesystem::create_directory_symlink("/proc/1/root", volume + "/magic");
  std::filesystem::create_directory_symlink("/../../../../etc", volume + "/up");
  ASSERT_TRUE(write_file(volume + "/file", "content\n"));
  start_sleeper([&](ContainerSpec& spec) {
    spec.mounts = {{volume + "/file", "/etc/config/file", true},
                   {volume, "/data", false},
                   {volume + "/sub", "/data/up/inside", false}};
  });
  EXPECT_EQ(sh("cat /etc/config/file; echo y > /etc/config/file"),
            "content\nsh: 1: cannot create /etc/config/file: Read-only file system");
  EXPECT_EQ(sh("echo z > /data/new; echo w > /etc/inside/f; ls -d /etc/inside"), "/etc/inside");
  EXPECT_EQ(*read_file(volume + "/new"), "z\n");
  EXPECT_EQ(*read_file(volume + "/sub/f"), "w\n") << "the link led to the container's own /etc";
  EXPECT_FALSE(std::filesystem::exists("/etc/inside")) << "and not to the machine's";

  ContainerSpec magic = container("m", "p", {"true"});
  magic.mounts = {{volume, "/data", false}, {volume + "/sub", "/data/magic/tmp", false}};
  ContainerStatus status = start(magic);
  EXPECT_EQ(status.reason, "ContainerCannotRun");
  EXPECT_THAT(status.message, HasSubstr("mount target /data/magic/tmp"));
  magic.id = "w";
  magic.mounts.clear();
  magic.working_dir = "/proc/self/fd/5/../..";
  auto refused = client().start_container(magic);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("workingDir: must not contain \"..\""));
}

TEST_F(Containers, ImagesAndPodsMayHaveFilesBelowUsr) {
  std::string volume = directory() + "/volume";
  std::filesystem::create_directories(volume);
  ASSERT_TRUE(write_file(volume + "/page", "from the volume\n"));
  start_sleeper([&](ContainerSpec& spec) {
    spec.image = "nginx";
    spec.mounts = {{volume, "/usr/src/app", false}, {volume, "/usr/share/doc", true}};
  });
  EXPECT_THAT(sh("cat /usr/share/nginx/html/index.html"), HasSubstr("Welcome to nginx!"));
  EXPECT_EQ(sh("cd /usr/share/nginx/html; echo new > index.html; cat index.html; ls"),
            "new\n50x.html\nindex.html");
  EXPECT_EQ(sh("cat /usr/src/app/page /usr/share/doc/page"), "from the volume\nfrom the volume");
  EXPECT_EQ(sh("ls /usr/local/bin; python3 -c 'print(6 * 7)'"), "hoplab\nnginx\n42");
  EXPECT_THAT(sh("touch /usr/bin/x"), HasSubstr("Read-only file system"));
  EXPECT_THAT(sh("ls /usr/share/zoneinfo/UTC /usr/share/perl* -d"), HasSubstr("/usr/share/perl5"));
}

TEST_F(Containers, WhatTheyWriteHasALimitAndGoesWithThem) {
  start_sleeper();
  // As much as the limit lets anybody have, and one more.
  EXPECT_THAT(sh("df -k / | tail -1 | awk '{print ($2 <= 1048576)}'"), "1");
  EXPECT_THAT(sh("truncate -s 2G /tmp/big && fallocate -l 2G /tmp/big 2>&1"),
              HasSubstr("No space left on device"));
  EXPECT_EQ(sh("touch /tmp/small && echo fine"), "fine");
}

TEST_F(Containers, OfALoadedImageToo) {
  image::write_text(directory() + "/root.tar", image::TarText().file("hello", "hi").text());
  auto store = image::ImageStore::open(directory() + "/images", image::own_whiteouts());
  ASSERT_TRUE(store) << store.error().message();
  auto loaded = store->import_rootfs(directory() + "/root.tar", {}, {.fallback_name = "written:1"});
  ASSERT_TRUE(loaded) << loaded.error().message();
  // The image has no programs: this machine's, as volumes.
  std::vector<Mount> programs;
  for (const char* path : {"/usr", "/bin", "/lib", "/lib64", "/sbin"}) {
    if (std::filesystem::is_directory(path)) programs.push_back({path, path, true});
  }
  sandbox("p");
  ContainerSpec spec = container("c", "p",
                                 {"sh", "-c",
                                  "echo x >/here; cat /here; df -k / | tail -1; "
                                  "fallocate -l 2G /big 2>&1; rm -f /big; exec sleep 1000"});
  spec.image = "written:1";
  spec.mounts = programs;
  ContainerStatus status = start(spec);
  ASSERT_EQ(status.state, ContainerState::running) << status.message;
  EXPECT_TRUE(eventually([&] { return log_of("c").find("No space left") != std::string::npos; }))
      << log_of("c");
  EXPECT_THAT(log_of("c"), HasSubstr("x\n"));
  // Nothing of it stands anywhere that node-init would have to clear away.
  EXPECT_FALSE(std::filesystem::exists(directory() + "/containers"));
  ASSERT_TRUE(client().remove_container("c"));
}

TEST_F(Containers, ShareThePodsNetwork) {
  sandbox("p");
  const std::string serve =
      "import socket; s=socket.socket(); s.bind(('127.0.0.1', 80)); s.listen(); print('up', "
      "flush=True); c,_=s.accept(); c.sendall(b'hello'); c.close()";
  start(container("a", "p", {"python3", "-c", serve}));
  ASSERT_TRUE(eventually([&] { return log_of("a") == "up\n"; }));
  ASSERT_EQ(log_of("a"), "up\n");
  start(container("b", "p", {"python3", "-c", serve}));
  EXPECT_EQ(wait_exit("b").exit_code, 1);
  EXPECT_THAT(log_of("b"), HasSubstr("Address already in use"));
  start(container("d", "p",
                  {"python3", "-c",
                   "import socket; print(socket.create_connection(('127.0.0.1', 80)).recv(9))"}));
  EXPECT_EQ(wait_exit("d").exit_code, 0);
  EXPECT_EQ(log_of("d"), "b'hello'\n");
}

TEST_F(Containers, LimitsHoldOrTheStatusSaysWhyNot) {
  sandbox("p");
  ContainerSpec spec =
      container("c", "p", {"python3", "-c", "x = bytearray(1 << 28); print(len(x))"});
  spec.resources.memory_limit_bytes = 32 << 20;
  ContainerStatus status = start(spec);
  if (status.notes.empty()) {
    status = wait_exit("c");
    EXPECT_TRUE(status.oom_killed);
    EXPECT_EQ(status.reason, "OOMKilled");
    EXPECT_EQ(status.exit_code, 137);
  } else {
    ASSERT_EQ(status.notes.size(), 1U);
    EXPECT_THAT(status.notes[0], HasSubstr("memory limit is not in force"));
  }
}

TEST_F(Containers, SharedProcessNamespace) {
  PodSandboxSpec pod;
  pod.id = "p";
  pod.hostname = "p";
  pod.share_process_namespace = true;
  ASSERT_TRUE(client().run_sandbox(pod));
  start(container("a", "p", {"sleep", "1001"}));
  start(container("c", "p", {"sleep", "1002"}));
  EXPECT_EQ(sh("cat /proc/1/comm"), "pause");
  EXPECT_THAT(sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), HasSubstr("sleep 1001"));
}

TEST_F(Containers, TheFirstOneHoldsTheNamespacesOfASandboxWithoutPause) {
  PodSandboxSpec spec;
  spec.id = "p";
  spec.hostname = "box";
  spec.first_container_holds = true;
  auto made = client().run_sandbox(spec);
  ASSERT_TRUE(made) << made.error().message();
  const ContainerStatus first = start(container("a", "p", {"sleep", "1000"}));
  auto contents = client().list();
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->sandboxes.size(), 1U);
  EXPECT_TRUE(contents->sandboxes[0].ready);
  EXPECT_EQ(contents->sandboxes[0].pid, first.pid) << "pause is gone, its namespaces are not";
  // Others may join, and outlive it.
  start(container("b", "p", {"sleep", "1000"}));
  EXPECT_EQ(exec({"hostname"}, "b").out, "box\n");
  EXPECT_EQ(exec({"readlink", "/proc/self/ns/net"}, "a").out,
            exec({"readlink", "/proc/self/ns/net"}, "b").out);
  ASSERT_TRUE(client().kill_container("a", SIGKILL));
  wait_exit("a");
  contents = client().list();
  ASSERT_TRUE(contents);
  EXPECT_FALSE(contents->sandboxes[0].ready);
  EXPECT_EQ(exec({"hostname"}, "b").out, "box\n");
  EXPECT_FALSE(client().start_container(container("c", "p", {"true"})));
  ASSERT_TRUE(client().remove_sandbox("p"));
  EXPECT_TRUE(client().list()->containers.empty());
}

TEST_F(Containers, HostNetworkPodsAreOnTheNode) {
  PodSandboxSpec pod;
  pod.id = "p";
  pod.hostname = "ignored";
  pod.host_network = true;
  ASSERT_TRUE(client().run_sandbox(pod));
  start(container("c", "p", {"sleep", "1000"}));
  EXPECT_EQ(sh("hostname"), "node");
  struct stat node {};
  ASSERT_EQ(::stat(str("/proc/", node_pid(), "/ns/net").c_str(), &node), 0);
  EXPECT_EQ(sh("stat -Lc %i /proc/self/ns/net"), std::to_string(node.st_ino));
}

}  // namespace
}  // namespace hoplab::test
