// Bytes as a SPDY client would send them after the upgrade, through the whole session reader.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "web/spdy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  if (size > 100'000) return 0;
  web::spdy::HeaderReader reader;
  (void)reader.read({reinterpret_cast<const char*>(data), size});

  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return 0;
  Fd our_end(ends[0]);
  Fd theirs(ends[1]);
  web::Connection ours(std::move(our_end), nullptr, -1);
  if (write(theirs.get(), data, size) < 0) return 0;
  shutdown(theirs.get(), SHUT_WR);
  web::spdy::Session session(ours, web::spdy::Session::Side::server);
  web::spdy::Session::Events events;
  events.opened = [](uint32_t, const web::Headers&) {};
  events.data = [](uint32_t, std::string_view, bool) {};
  (void)session.run(events);
  return 0;
}
