#!/usr/bin/env bash
# Checks that subjects have at most 72 characters, in all commits since the rule was made. A shallow
# clone has only some of them; then it prints how many were checked.
set -euo pipefail
export LC_ALL=C.UTF-8

cd "$(dirname "${BASH_SOURCE[0]}")/.."
began=5921387f07227b163a82c83cb79efd6959c05d01
began_at=2026-11-29T11:48:33Z
longest=72

if git merge-base --is-ancestor "$began" HEAD 2>/dev/null; then
  wanted=("$began..HEAD")
else
  echo "commit ${began:0:12} is not in this clone; the commits that are here and were made after $began_at are checked"
  wanted=("--since=$began_at" HEAD)
fi

log=$(git log --no-merges --format='%h %s' "${wanted[@]}")
checked=0
failed=0
while IFS=' ' read -r hash subject; do
  [[ -n $hash ]] || continue
  checked=$((checked + 1))
  if ((${#subject} > longest)); then
    echo "$hash has a subject of ${#subject} characters, at most $longest are allowed: $subject" >&2
    failed=1
  fi
done <<<"$log"
echo "subjects of $checked commits were checked"
exit "$failed"
