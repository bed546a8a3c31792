#include "cmd/kubectl_write.h"

#include <iostream>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

Result<WriteMode> WriteMode::read(const Session& session) {
  WriteMode mode;
  HOP_TRY(mode.format, OutputFormat::parse(session.flags.get("output"), false));
  const std::string dry_run = session.flags.get("dry-run");
  if (dry_run == "client" || dry_run == "true" || dry_run == "unchanged") {
    mode.client_dry_run = true;
  } else if (dry_run == "server") {
    mode.options.dry_run = true;
  } else if (!dry_run.empty() && dry_run != "none" && dry_run != "false") {
    return local_error(
        str("Invalid dry-run value (", dry_run, "). Must be \"none\", \"server\", or \"client\"."));
  }
  mode.options.strict = session.flags.on("validate");
  mode.options.field_manager = "kubectl";
  return mode;
}

Result<void> WriteMode::report(const Json& object, std::string_view what) const {
  if (!format.is_table()) {
    std::cout << format.print(object);
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
