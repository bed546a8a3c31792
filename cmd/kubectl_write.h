#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cmd/kubectl.h"
#include "cmd/kubectl_output.h"

namespace hoplab::cmd::kubectl {

enum class DryRun { none, client, server };
Result<DryRun> read_dry_run(const Session& session);

/// How a verb that changes objects does it and says so: --dry-run, -o, --validate.
struct WriteMode {
  WriteOptions options;
  bool client_dry_run = false;
  OutputFormat format;
  /// What the server warned of in the last write: `options` points here.
  std::shared_ptr<std::vector<std::string>> warnings;
  std::shared_ptr<std::set<std::string>> warned;  ///< Each is said once.

  static Result<WriteMode> read(const Session& session);
  /// The server's warnings, then "pod/x created", with " (dry run)" where nothing was changed; the
  /// object when -o asks for it.
  Result<void> report(const Json& object, std::string_view what) const;
};

}  // namespace hoplab::cmd::kubectl
