#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labs/view.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/ip.h"
#include "runtime/base/result.h"

namespace hoplab::labs {

// Real packets, sent from a socket of the namespace behind the descriptor; the calling thread is
// back in its own namespace on return. Blocking, within a limit.

/// Sends one echo request and waits for what comes back. Needs CAP_NET_RAW there.
Result<PingAnswer> ping(int netns_fd, Ipv4 to, Millis patience);
/// How long the answer we hope for may take: the kernel gives up on ARP after three seconds.
Millis ping_patience(std::string_view answer);

/// The answer to GET / with its head, at most 64 kB; an error says how far it came.
Result<std::string> get_page(int netns_fd, Ipv4 to, uint16_t port);

/// The addresses of a name, asked for at the server over UDP; empty when it has none. An error: no
/// answer within 2 s, or the server's refusal (NXDOMAIN, REFUSED, …).
Result<std::vector<Ipv4>> ask_dns(int netns_fd, Ipv4 server, uint16_t port,
                                  const std::string& name);

/// A question for A records, and the reader of its answer (untrusted bytes). Pure.
Result<std::string> dns_question(uint16_t id, const std::string& name);
Result<std::vector<Ipv4>> dns_answer(uint16_t id, std::string_view message);

/// A socket of that namespace, close-on-exec and non-blocking.
Result<Fd> probe_socket(int netns_fd, int type, int protocol);

}  // namespace hoplab::labs
