#include "cmd/kubectl_write.h"

#include <iostream>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

Result<DryRun> read_dry_run(const Session& session) {
  const std::string text = session.flags.get("dry-run");
  if (text == "client") return DryRun::client;
  if (text == "server") return DryRun::server;
  if (text.empty() || text == "none") return DryRun::none;
  // What scripts of old say.
  if (text == "unchanged" || text == "true") {
    std::cerr << "warning: --dry-run is deprecated and can be replaced with --dry-run=client.\n";
    return DryRun::client;
  }
  if (text == "false") return DryRun::none;
  return local_error(
      str("Invalid dry-run value (", text, "). Must be \"none\", \"server\", or \"client\"."));
}

Result<WriteMode> WriteMode::read(const Session& session) {
  WriteMode mode;
  HOP_TRY(DryRun dry_run, read_dry_run(session));
  HOP_TRY(mode.format, OutputFormat::read(session.flags));
  mode.client_dry_run = dry_run == DryRun::client;
  mode.options.dry_run = dry_run == DryRun::server;
  mode.options.strict = session.flags.on("validate");
  mode.options.field_manager = "kubectl";
  mode.warnings = std::make_shared<std::vector<std::string>>();
  mode.warned = std::make_shared<std::set<std::string>>();
  mode.options.warnings = mode.warnings.get();
  return mode;
}

Result<void> WriteMode::report(const Json& object, std::string_view what) const {
  for (const std::string& text : *warnings) {
    if (warned->insert(text).second) std::cerr << "Warning: " << text << "\n";
  }
  warnings->clear();
  if (!format.is_table()) {
    HOP_TRY(std::string text, format.print(object));
    std::cout << text;
    return {};
  }
  std::cout << name_of_object(object) << " " << what
            << (client_dry_run    ? " (dry run)"
                : options.dry_run ? " (server dry run)"
                                  : "")
            << "\n";
  return {};
}

}  // namespace hoplab::cmd::kubectl
