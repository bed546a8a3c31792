#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/proc/container_types.h"
#include "runtime/proc/container_wire.h"

using namespace hoplab;
using namespace hoplab::proc;

/// The input is a row of packets, each with its length in front; whatever comes out is read as
/// every kind of value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  MessageAssembler assembler;
  while (!rest.empty()) {
    size_t length = static_cast<uint8_t>(rest[0]);
    rest.remove_prefix(1);
    auto body = assembler.feed(rest.substr(0, length));
    if (!body) break;
    rest.remove_prefix(std::min(length, rest.size()));
    if (!*body) continue;
    const Json& spec = member(**body, "spec");
    if (auto value = sandbox_spec_from_json(spec)) {
      (void)validate(*value).ok();
      if (sandbox_spec_from_json(to_json(*value)).value() != *value) __builtin_trap();
    }
    if (auto value = container_spec_from_json(spec)) {
      (void)validate(*value).ok();
      if (container_spec_from_json(to_json(*value)).value() != *value) __builtin_trap();
    }
    if (auto value = exec_spec_from_json(spec)) (void)validate(*value).ok();
    (void)node_contents_from_json(**body).ok();
    (void)container_event_from_json(member(**body, "event")).ok();
    (void)exit_status_from_json(member(**body, "exit")).ok();
    (void)error_from_json(**body);
  }
  return 0;
}
