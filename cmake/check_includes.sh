#!/bin/sh
# Who may include what (ARCHITECTURE.md, "Tree"). Prints every offence; exit code 1 if there is one.
cd "$(dirname "$0")/.." || exit 2
bad=0
only() { # pattern, folders that may use it, what it is
  rows=$(grep -rnE --include='*.cc' --include='*.h' "$1" cmd runtime store web labs 2>/dev/null | grep -vE "^($2)")
  [ -z "$rows" ] && return
  printf '%s is only for %s:\n%s\n' "$3" "$2" "$rows"
  bad=1
}
only '#include *<netlink/' 'runtime/netlink/' libnl
only '#include *<(libnftnl|libmnl)/' 'runtime/nft/' 'libnftnl or libmnl'
only '#include *<sqlite3' 'store/' SQLite
only '#include *<yaml-cpp' 'store/api/' yaml-cpp
only '#include *<httplib' 'web/' cpp-httplib
only '#include *<boost/' 'cmd/' Boost
only '#include *<archive' 'runtime/image/' libarchive
only '#include *<nlohmann' 'runtime/base/' nlohmann
only '\b(system|popen) *\(' 'none/' 'a shell'

may() { # folder, regex of the folders of ours that its files may include
  rows=$(grep -rnE --include='*.cc' --include='*.h' '#include "' "$1" 2>/dev/null | grep -E "^$1/[^/]*:" |
    grep -vE "#include \"($2)/[^/]*\"" | grep -vE '#include "generated/')
  [ -z "$rows" ] && return
  printf '%s may use only %s:\n%s\n' "$1" "$2" "$rows"
  bad=1
}
may runtime/base 'runtime/base'
may runtime/model 'runtime/(base|model)'
may store/api '(runtime/base|store/api)'
may store '(runtime/base|store/api|store)'
may runtime/netlink 'runtime/(base|model|netlink)'
may runtime/nft 'runtime/(base|model|nft)'
may runtime/proc 'runtime/(base|image|model|proc)'
may runtime/image 'runtime/(base|image)'
may runtime/plan '(runtime/(base|model|plan)|store/api)'
may runtime/observe 'runtime/(base|model|netlink|nft|proc|observe)'
may runtime/trace 'runtime/(base|model|netlink|nft|observe|trace)'
may runtime/tunnel 'runtime/(base|model|netlink|nft|observe|tunnel)'
may runtime/reconcile '(runtime/(base|model|plan|observe|netlink|nft|proc|reconcile)|store|store/api)'
may runtime/agent '(runtime/(base|model|plan|observe|netlink|nft|proc|reconcile|agent)|store|store/api)'
may runtime/engine 'runtime/(base|model|netlink|nft|proc|image|engine)'
may labs '(runtime/(base|model|netlink|proc|observe)|store/api|labs)'
may web '(runtime/base|store|store/api|web)'
exit $bad
