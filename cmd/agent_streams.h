#pragma once

#include "runtime/agent/agent.h"
#include "web/stream_server.h"

namespace hoplab::cmd {

/// exec, attach, logs and port-forward of this node's pods, for the endpoint on port 10250: joins
/// the agent (which container?), node-init (its streams) and the log files.
class AgentStreams final : public web::StreamBackend {
 public:
  AgentStreams(agent::Agent& agent, proc::ContainerClient& containers)
      : agent_(agent), containers_(containers) {}

  Result<std::unique_ptr<web::ProcessStreams>> exec(const web::ExecRequest& request) override;
  Result<std::unique_ptr<web::ProcessStreams>> attach(const web::ExecRequest& request) override;
  Result<std::function<void(web::BodyWriter&)>> logs(const web::LogRequest& request) override;
  Result<Fd> dial(const std::string& namespace_name, const std::string& pod,
                  uint16_t port) override;

 private:
  Result<agent::PodDirectory::ContainerHandle> find(const web::ContainerRef& ref);
  Result<agent::PodDirectory::ContainerHandle> find_running(const web::ContainerRef& ref);

  agent::Agent& agent_;
  proc::ContainerClient& containers_;
};

}  // namespace hoplab::cmd
