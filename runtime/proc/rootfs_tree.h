#pragma once

#include "runtime/base/result.h"
#include "runtime/proc/rootfs.h"

/// What stands in the private root besides mounts. Private to rootfs*.cc.
namespace hoplab::proc {

/// Bound read-only from the machine where they are directories; where they are links (merged
/// /usr), the link is made again.
inline constexpr const char* system_directories[] = {"/usr",   "/bin",   "/sbin",  "/lib",
                                                     "/lib32", "/lib64", "/libx32"};

/// The only parts of the machine's /etc in a container: what its programs cannot run without and
/// what says nothing about its owner.
inline constexpr const char* shared_etc[] = {
    "/etc/alternatives",    "/etc/ld.so.cache", "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf", "/etc/services",    "/etc/protocols",
    "/etc/ethertypes",      "/etc/iproute2",    "/etc/terminfo"};

/// Docker's lists (moby, oci/defaults.go).
inline constexpr const char* masked_paths[] = {"/proc/asound",
                                               "/proc/acpi",
                                               "/proc/kcore",
                                               "/proc/keys",
                                               "/proc/latency_stats",
                                               "/proc/timer_list",
                                               "/proc/timer_stats",
                                               "/proc/sched_debug",
                                               "/proc/scsi",
                                               "/sys/firmware",
                                               "/sys/devices/virtual/powercap"};
inline constexpr const char* read_only_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                  "/proc/sysrq-trigger"};

/// A directory that hides the machine's own additions and has room for our executable.
inline constexpr const char* local_programs = "/usr/local/bin";

/// Text of /etc/hosts: the spec's, or localhost and the hostname.
std::string hosts_text(const RootfsSpec& spec);
/// In the new, still empty root, as the current root directory: directories, /etc and the links of
/// a merged /usr.
Result<void> make_tree(const RootfsSpec& spec);
/// Once everything is mounted: links in /dev and to the image's programs.
Result<void> make_links(const RootfsSpec& spec);

}  // namespace hoplab::proc
