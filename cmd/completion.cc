// `hoplab completion bash`: a script that asks the program itself, so that it never goes stale.

#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"

namespace hoplab::cmd {

namespace {

/// Verbs come from the command table; flags from `hoplab VERB --help`; hosts from the running
/// cluster.
constexpr const char* bash_script = R"bash(_hoplab() {
  local word=${COMP_WORDS[COMP_CWORD]} verb="" cluster="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --cluster) cluster=${COMP_WORDS[++i]} ;;
      -*) ;;
      *) verb=${COMP_WORDS[i]}; break ;;
    esac
  done
  if [ -z "$verb" ]; then
    COMPREPLY=($(compgen -W "--cluster --help --version @VERBS@" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$(hoplab "$verb" --help 2>/dev/null |
      grep -oE -- '(^|[ ,])--[a-z][a-z-]+' | tr -d ' ,')" -- "$word"))
  elif [ "$verb" = shell ]; then
    COMPREPLY=($(compgen -W "$(hoplab ${cluster:+--cluster "$cluster"} status 2>/dev/null |
      awk 'hosts && NF {print $1} $1 == "HOST" {hosts = 1}')" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o default -F _hoplab hoplab
)bash";

int run(const Invocation& invocation) {
  Options options("completion", "bash", "Prints the completion script of a shell.");
  options.positionals("SHELL", 1, 1);
  options.example(". <(hoplab completion bash)", "completion in this shell");
  options.example("hoplab completion bash > /etc/bash_completion.d/hoplab", "for everybody");
  if (auto exit = options.parse(invocation.args)) return *exit;
  if (options.rest().front() != "bash") {
    return options.usage_error("only bash is known, not \"" + options.rest().front() + "\"");
  }
  std::string verbs;
  for (const Command* command : command_table()) {
    if (!command->hidden)
      verbs += std::string(verbs.empty() ? "" : " ") + std::string(command->name);
  }
  std::string script = bash_script;
  script.replace(script.find("@VERBS@"), 7, verbs);
  std::cout << script;
  return exit_ok;
}

}  // namespace

extern const Command completion_command;
const Command completion_command{"completion", "print a shell's completion script", run};

}  // namespace hoplab::cmd
