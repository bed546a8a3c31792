#pragma once

#include "web/stream_server.h"

/// The two kinds of sessions of the streaming endpoint. For stream_server.cc.
namespace hoplab::web {

/// Starts the process once the client's streams are there.
using StartProcess = std::function<Result<std::unique_ptr<ProcessStreams>>()>;

/// exec and attach on an upgraded connection: waits for the client's streams, starts the process,
/// carries its streams, ends with a Status. With `always_success` (attach) the exit code is not
/// told: kubectl reads it from the pod. Returns when the session is over.
void run_process_session(Connection& connection, const ExecRequest& request, bool always_success,
                         const StartProcess& start);

/// Port-forward: pairs of an error and a data stream, each a TCP connection into the pod.
using DialPort = std::function<Result<Fd>(uint16_t port)>;
void run_port_session(Connection& connection, const DialPort& dial);

}  // namespace hoplab::web
