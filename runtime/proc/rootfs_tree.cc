#include "runtime/proc/rootfs_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/proc/image.h"

namespace hoplab::proc {

namespace {

struct Directory {
  const char* path;
  mode_t mode;
};

constexpr Directory directories[] = {{"/dev", 0755},     {"/etc", 0755},       {"/etc/ssl", 0755},
                                     {"/home", 0755},    {"/media", 0755},     {"/mnt", 0755},
                                     {"/opt", 0755},     {"/proc", 0555},      {"/root", 0700},
                                     {"/run", 0755},     {"/run/lock", 01777}, {"/srv", 0755},
                                     {"/sys", 0555},     {"/tmp", 01777},      {"/usr", 0755},
                                     {"/var", 0755},     {"/var/cache", 0755}, {"/var/lib", 0755},
                                     {"/var/log", 0755}, {"/var/spool", 0755}, {"/var/tmp", 01777}};

constexpr const char* passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "bin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
    "sys:x:3:3:sys:/dev:/usr/sbin/nologin\n"
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "nginx:x:101:101:nginx:/nonexistent:/bin/false\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
constexpr const char* group =
    "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\n"
    "nginx:x:101:\nnogroup:x:65534:\n";

Result<void> make_link(const std::string& to, const std::string& path) {
  if (::symlink(to.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    return Error::from_errno(errno, "making the link " + path);
  }
  return {};
}

Result<void> make_etc(const RootfsSpec& spec) {
  std::string release = str("PRETTY_NAME=\"hoplab image ", spec.os_name,
                            " (this machine's tools in a private root)\"\nNAME=\"", spec.os_name,
                            "\"\nID=", spec.os_name, "\n");
  const std::pair<const char*, std::string> files[] = {
      {"/etc/passwd", passwd},
      {"/etc/group", group},
      {"/etc/hostname", spec.hostname + "\n"},
      {"/etc/hosts", hosts_text(spec)},
      {"/etc/resolv.conf", spec.resolv_conf},
      {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
      {"/etc/os-release", release},
      {"/etc/shells", "/bin/sh\n/bin/bash\n"},
  };
  for (const auto& [path, text] : files) HOP_CHECK(write_file(path, text));
  return {};
}

}  // namespace

std::string hosts_text(const RootfsSpec& spec) {
  if (!spec.hosts.empty()) return spec.hosts;
  return "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
         (spec.hostname.empty() ? "" : "127.0.1.1\t" + spec.hostname + "\n");
}

Result<void> make_tree(const RootfsSpec& spec) {
  for (const Directory& directory : directories) {
    if (::mkdir(directory.path, directory.mode) != 0 && errno != EEXIST) {
      return Error::from_errno(errno, str("making ", directory.path));
    }
    // mkdir's mode is cut by the umask.
    if (directory.mode != 0755 && ::chmod(directory.path, directory.mode) != 0) {
      return Error::from_errno(errno, str("making ", directory.path));
    }
  }
  for (const auto& [path, target] : spec.system_links) HOP_CHECK(make_link(target, path));
  for (const std::string& path : spec.usr.directories) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      return Error::from_errno(errno, "making " + path);
    }
  }
  for (const auto& [path, target] : spec.usr.links) HOP_CHECK(make_link(target, path));
  HOP_CHECK(make_link("/run", "/var/run"));
  HOP_CHECK(make_link("/run/lock", "/var/lock"));
  HOP_CHECK(make_link("/proc/mounts", "/etc/mtab"));
  return make_etc(spec);
}

Result<void> make_links(const RootfsSpec& spec) {
  constexpr std::array<std::pair<const char*, const char*>, 6> devices{
      {{"pts/ptmx", "/dev/ptmx"},
       {"/proc/self/fd", "/dev/fd"},
       {"fd/0", "/dev/stdin"},
       {"fd/1", "/dev/stdout"},
       {"fd/2", "/dev/stderr"},
       {"/proc/kcore", "/dev/core"}}};
  if (!spec.privileged) {  // the machine's /dev has them, and is read-only
    for (const auto& [to, path] : devices) HOP_CHECK(make_link(to, path));
  }
  for (const std::string& path : spec.programs) {
    HOP_CHECK(make_link(executable_in_container, path));
  }
  return {};
}

}  // namespace hoplab::proc
