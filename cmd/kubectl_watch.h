#pragma once

#include "cmd/kubectl_output.h"
#include "cmd/kubectl_resources.h"
#include "cmd/kubectl_table.h"

namespace hoplab::cmd::kubectl {

/// `get --watch`: what is there (unless --watch-only), then every change until the server ends the
/// watch or a signal ends us.
Result<int> watch_target(Session& session, const Target& target, const OutputFormat& format,
                         TableStyle style);

}  // namespace hoplab::cmd::kubectl
