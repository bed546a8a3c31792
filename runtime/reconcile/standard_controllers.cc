#include "runtime/reconcile/address_collector.h"
#include "runtime/reconcile/controller_manager.h"
#include "runtime/reconcile/daemon_set_controller.h"
#include "runtime/reconcile/deployment_controller.h"
#include "runtime/reconcile/endpoints_controller.h"
#include "runtime/reconcile/event_writer.h"
#include "runtime/reconcile/garbage_controller.h"
#include "runtime/reconcile/namespace_controller.h"
#include "runtime/reconcile/node_lifecycle_controller.h"
#include "runtime/reconcile/replica_set_controller.h"
#include "runtime/reconcile/scheduler_controller.h"

namespace hoplab::reconcile {

std::unique_ptr<ControllerManager> ControllerManager::standard(Registry& registry,
                                                               const Clock& clock, const Log& log,
                                                               ControllerOptions options) {
  auto manager =
      std::make_unique<ControllerManager>(registry, log.named("controllers"), options.workers);
  auto events = std::make_unique<EventWriter>(registry, clock, options.event_lifetime);
  EventWriter& writer = *events;
  writer.on_waiting([owner = manager.get(), &writer] { owner->wake(writer, "write"); });
  const TellEvent tell = [&writer](std::string_view component, const Json& object,
                                   std::string_view type, std::string_view reason,
                                   const std::string& message) {
    writer.tell(component, object, type, reason, message);
  };
  // The scheduler first: what it decides, nodes start on while the others still write.
  manager->add(std::make_unique<SchedulerController>(registry, clock, tell));
  manager->add(std::make_unique<DaemonSetController>(registry, clock, tell));
  manager->add(std::make_unique<ReplicaSetController>(registry, clock, tell));
  manager->add(std::make_unique<DeploymentController>(registry, clock, tell));
  manager->add(std::make_unique<EndpointsController>(registry));
  manager->add(
      std::make_unique<NodeLifecycleController>(registry, clock, tell, options.node_grace));
  manager->add(std::make_unique<NamespaceController>(registry));
  manager->add(std::make_unique<GarbageController>(registry));
  manager->add(std::make_unique<AddressCollector>(registry, clock, options.address_grace));
  manager->add(std::move(events));
  return manager;
}

}  // namespace hoplab::reconcile
