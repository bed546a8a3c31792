#include <unistd.h>

#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/json.h"
#include "runtime/observe/machine.h"
#include "runtime/tunnel/variant.h"
#include "store/api/manifest.h"

namespace hoplab::cmd {

namespace {

void print_text(const std::vector<Finding>& findings) {
  bool colour = ::isatty(1) == 1;
  auto paint = [colour](FindingState state) -> std::string {
    std::string word(to_string(state));
    word.resize(8, ' ');
    if (!colour) return word;
    const char* code = state == FindingState::good      ? "\033[32m"
                       : state == FindingState::warning ? "\033[33m"
                                                        : "\033[31m";
    return code + word + "\033[0m";
  };
  for (const auto& finding : findings) {
    std::cout << paint(finding.state) << " " << finding.subject << ": " << finding.found << "\n";
    if (finding.state == FindingState::good) continue;
    if (!finding.consequence.empty()) std::cout << "           " << finding.consequence << "\n";
    if (!finding.repair.empty()) std::cout << "           repair: " << finding.repair << "\n";
  }
}

int run_doctor(const Invocation& invocation) {
  Options options("doctor", "[-o json|yaml]",
                  "Looks at what a lab needs of this machine and names the command that repairs "
                  "what is missing.\nChanges nothing. Exit code 1 when a lab cannot run.");
  options.value("output", 'o', "FORMAT", "text, json or yaml", "text");
  options.example("hoplab doctor", "before the first `hoplab up`, or when it fails");
  if (auto exit = options.parse(invocation.args)) return *exit;
  std::string format = options.get("output");
  if (format != "text" && format != "json" && format != "yaml") {
    return options.usage_error("unknown output format \"" + format + "\" (text, json, yaml)");
  }
  auto findings = examine_machine();
  tunnel::Choice choice = tunnel::choose(tunnel::probe());
  findings.push_back({"tunl0", FindingState::good, choice.message, "", choice.repair});
  bool broken = false;
  Json list = Json::array();
  for (const auto& finding : findings) {
    broken = broken || finding.state == FindingState::failure;
    list.push_back(to_json(finding));
  }
  if (format == "text") {
    print_text(findings);
    std::cout << (broken ? "\nA lab cannot run here until the failures are repaired.\n"
                         : "\nA lab can run here.\n");
  } else {
    std::cout << (format == "json" ? dump_json_pretty(list) + "\n" : api::to_yaml(list));
  }
  return broken ? exit_failure : exit_ok;
}

}  // namespace

extern const Command doctor_command;
const Command doctor_command{"doctor", "see what this machine lacks, and how to repair it",
                             run_doctor};

}  // namespace hoplab::cmd
