#pragma once

#include <string>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_wire.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::proc {

inline constexpr const char* control_socket_name = "sandbox.sock";

/// Where a command is to run.
struct Entrance {
  NamespaceSet namespaces;
  std::string host;  ///< Empty: the sandbox itself.
};

/// Speaks to sandbox-init over sandbox.sock. Requests and answers are one JSON message each:
///   {"request":"status"}              -> {"hosts":[…],"server":{…}}
///   {"request":"enter","host":NAME}   -> {"host":NAME,"namespaces":["user","pid",…]} + descriptors
///   {"request":"down"}                -> {} and the sandbox ends
///   anything wrong                    -> {"error":{"code":…,"message":…}}
/// One thread at a time.
class SandboxControl {
 public:
  /// `unavailable` when nobody listens there.
  static Result<SandboxControl> connect(const std::string& socket_path);
  Result<Json> status();
  /// `not_found` when there is no such host; an empty name is the sandbox's outside view.
  Result<Entrance> enter(const std::string& host);

 private:
  explicit SandboxControl(MessageSocket socket) : socket_(std::move(socket)) {}
  Result<Message> call(const Json& request);

  MessageSocket socket_;
};

/// The listening end, made before the sandbox. Fails when the path is longer than a unix address.
Result<Fd> listen_for_control(const std::string& socket_path);

/// A TCP listener on 127.0.0.1, at `first_port` or the next free one up to `first_port` + 99.
struct LoopbackListener {
  Fd fd;
  uint16_t port = 0;
};
Result<LoopbackListener> listen_on_loopback(uint16_t first_port);

}  // namespace hoplab::proc
