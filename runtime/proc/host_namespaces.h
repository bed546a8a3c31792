#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/namespaces.h"
#include "runtime/proc/spawn.h"

namespace hoplab::proc {

/// Where a lab host keeps what it writes to the folders laid over the computer's. Only there is it.
inline constexpr const char* host_layers = "/run/hoplab-overlay";

/// One lab host to start.
struct HostSpec {
  std::string name;
  std::string backing;          ///< Folder of the sandbox that the host sees as its /run/hoplab.
  std::string tools;            ///< Folder of the sandbox that the host sees as /run/hoplab/bin.
  Program init;                 ///< Pid 1 of the host.
  bool user_namespace = false;  ///< The kernel protects the computer from the host's root.
};

/// A host between begin_host() and the end of its pid 1.
struct Host {
  pid_t pid = -1;  ///< Of pid 1, in the sandbox's own pid namespace.
  Fd pidfd;
  NamespaceSet namespaces;  ///< host_namespace_kinds(); the network namespace exists at once.
  Fd report;                ///< The host's set-up writes here why it failed; end = init runs.
  Fd go;                    ///< One byte lets init start.
};

/// Forks the host's pid 1 into namespaces of its own, where it prepares the file systems: own
/// /proc, /sys, /run, own /etc/hosts, /etc/hostname and /etc/resolv.conf from `backing`/etc, own
/// /etc, /var/log and /var/lib contents that go with the host. Then it waits for release_host().
/// So several hosts prepare themselves while the caller wires their networks.
Result<Host> begin_host(const HostSpec& spec);

/// Lets init start; once is enough.
void release_host(Host& host);
/// Waits until init has started. The error names the host and the step that failed.
Result<void> confirm_host(Host& host, const std::string& name);

/// What begin_host's child does to its file systems. Separate for sandboxes without hosts.
Result<void> prepare_host_mounts(const HostSpec& spec);

}  // namespace hoplab::proc
