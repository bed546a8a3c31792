// `hoplab completion bash`: a script that asks the program itself, so that it never goes stale.

#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"

namespace hoplab::cmd {

namespace {

/// Verbs come from the command table; flags from `hoplab VERB --help`; clusters from `hoplab list`;
/// hosts, kinds and names from the running cluster.
constexpr const char* bash_script = R"bash(_hoplab_ask() {
  if [ -n "$_hoplab_cluster" ]; then
    hoplab --cluster "$_hoplab_cluster" "$@" 2>/dev/null </dev/null
  else
    hoplab "$@" 2>/dev/null </dev/null
  fi
}
_hoplab_flags() {
  _hoplab_ask "$@" --help | grep -oE -- '(^|[ ,])--[a-z][a-z-]+' | tr -d ' ,'
}
_hoplab_names() {
  _hoplab_ask kubectl get "$1" ${_hoplab_namespace:+-n "$_hoplab_namespace"} -o name | sed 's,.*/,,'
}
# What may follow `hoplab kubectl` and the words in _hoplab_plain.
_hoplab_kubectl() {
  local verb=${_hoplab_plain[0]} place=${#_hoplab_plain[@]}
  if [ "$place" = 0 ]; then
    _hoplab_ask kubectl --help | awk '/^$/ {on = 0} on {print $1} $1 == "Verbs:" {on = 1}' | sort -u
    return
  fi
  case $verb in
    get|describe|delete|label|annotate|scale|wait)
      [ "$place" = 1 ] && _hoplab_ask kubectl api-resources -o name
      [ "$place" = 2 ] && _hoplab_names "${_hoplab_plain[1]}" ;;
    logs|exec|attach)
      [ "$place" = 1 ] && _hoplab_names pods ;;
    rollout)
      [ "$place" = 1 ] && echo history pause restart resume status undo
      [ "$place" = 2 ] && _hoplab_ask kubectl get deployments,daemonsets \
        ${_hoplab_namespace:+-n "$_hoplab_namespace"} -o name ;;
    config)
      [ "$place" = 1 ] && echo current-context get-clusters get-contexts get-users view ;;
  esac
}
_hoplab() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb="" words="" i
  local _hoplab_cluster="" _hoplab_namespace="" _hoplab_plain=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --cluster) _hoplab_cluster=${COMP_WORDS[++i]} ;;
      -n|--namespace) _hoplab_namespace=${COMP_WORDS[++i]} ;;
      -o|--output|-l|--selector|-c|--container|-f|--filename) ((i++)) ;;
      -*) ;;
      *) if [ -z "$verb" ]; then verb=${COMP_WORDS[i]}; else _hoplab_plain+=("${COMP_WORDS[i]}"); fi ;;
    esac
  done
  if [ "$before" = --cluster ]; then
    words=$(hoplab list 2>/dev/null | awk 'NR > 1 {print $1}')
  elif [ "$verb" = kubectl ] && [[ $before == -n || $before == --namespace ]]; then
    _hoplab_namespace="" words=$(_hoplab_names namespaces)
  elif [ "$before" = -f ] || [ "$before" = --filename ]; then
    words=""
  elif [ -z "$verb" ]; then
    words="--cluster --help --version @VERBS@"
  elif [[ $word == -* ]]; then
    if [ "$verb" = kubectl ]; then
      words=$(_hoplab_flags kubectl "${_hoplab_plain[@]:0:1}")
    else
      words=$(_hoplab_flags "$verb")
    fi
  elif [ "$verb" = shell ] && [ ${#_hoplab_plain[@]} = 0 ]; then
    words=$(_hoplab_ask status | awk 'hosts && NF {print $1} $1 == "HOST" {hosts = 1}')
  elif [ "$verb" = kubectl ]; then
    words=$(_hoplab_kubectl)
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _hoplab hoplab
)bash";

int run_completion(const Invocation& invocation) {
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
const Command completion_command{"completion", "print a shell's completion script", run_completion};

}  // namespace hoplab::cmd
