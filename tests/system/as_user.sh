#!/usr/bin/env bash
# Runs the kernel tests and the scenarios once more as an ordinary user, from a copy that user owns.
set -euo pipefail
build=$1 copy=$2 user=$3
cp "$build/hoplab" "$copy/"
[ -x "$build/tests/kernel_test" ] && cp "$build/tests/kernel_test" "$copy/"
cp -r tests "$copy/tests"
[ -d "$build/tools" ] && cp -r "$build/tools" "$copy/tools"
chown -R "$user": "$copy"
home=$(getent passwd "$user" | cut -d: -f6)
as_user() {
  setpriv --reuid "$user" --regid "$user" --init-groups env -i HOME="$home" USER="$user" \
    PATH="$PATH" TERM="${TERM:-dumb}" "$@"
}
passed=0
failed=0
run() { # folder, command...
  local folder=$1
  shift
  if (cd "$folder" && as_user timeout 900 "$@"); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED as $user: $*"
  fi
}
echo "== kernel tests and scenarios as the ordinary user $user"
[ -x "$copy/kernel_test" ] && run "$copy" "$copy/kernel_test" --gtest_brief=1
for scenario in "$copy"/tests/system/*_test.py; do
  [ -e "$scenario" ] && run "$copy/tests/system" python3 -B "$scenario" "$copy/hoplab"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
