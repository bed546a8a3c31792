#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/engine/engine.h"

namespace hoplab::engine {

/// Where a host's engine listens.
inline constexpr const char* engine_socket_path = "/run/hoplab/docker.sock";

/// Serves EngineClients on a unix socket, a thread each (a wait may take for ever). Only processes
/// of the engine's own user are served.
class EngineServer {
 public:
  /// Replaces what an earlier engine left at the path.
  static Result<std::unique_ptr<EngineServer>> listen(const std::string& path, Engine& engine,
                                                      Log log);

  /// Until node-init is gone or stop() is called.
  Result<void> run();
  void stop();

 private:
  EngineServer(Engine& engine, Log log, Fd listener, Pipe stop)
      : engine_(engine),
        log_(std::move(log)),
        listener_(std::move(listener)),
        stop_(std::move(stop)) {}
  void accept();

  Engine& engine_;
  Log log_;
  Fd listener_;
  Pipe stop_;
  std::shared_ptr<std::atomic<int>> connections_ = std::make_shared<std::atomic<int>>(0);
};

/// The answer to one request; {"error": …} when it failed. Takes anything. `client_gone` ends a
/// wait that nobody needs any more.
Json answer_request(Engine& engine, const Json& request,
                    const std::function<bool()>& client_gone = {});

}  // namespace hoplab::engine
