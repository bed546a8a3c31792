#pragma once

#include <string>

#include "runtime/base/result.h"

namespace hoplab {

// Whether a link leaves checksums (and with them segmentation) of outgoing packets to the device,
// `ethtool -K LINK tx on|off`, in the calling thread's namespace. `unsupported` for a device that
// cannot change it.

Result<bool> read_tx_offload_here(const std::string& link);
Result<void> write_tx_offload_here(const std::string& link, bool on);

}  // namespace hoplab
