#!/usr/bin/env bash
# Runs a command under another Node: scripts/under-node.sh MAJOR [--copy] COMMAND...
# That Node is npm's package `node`, in .node/MAJOR. With --copy the command runs in a copy of the project that has better-sqlite3
# compiled for that Node, by the headers that the package brings: what is installed here stays as it is. Without --copy it runs
# here, which does for whatever opens no ledger. Ends with 75 where that Node cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

major=$1 copy=''
shift
if [[ $1 == --copy ]]; then copy=yes && shift; fi
[[ $major =~ ^[0-9]+$ ]] || { echo "NODE=$major: it must be the number of a major version, such as 24" >&2; exit 2; }

home="$PWD/.node/$major"
if [[ ! -x $home/node_modules/node/bin/node ]]; then
  mkdir -p "$home"
  echo '{"private": true, "allowScripts": {"node": true}}' >"$home/package.json"
  npm install --prefix "$home" --no-fund --no-audit --loglevel=error "node@$major" >&2 || exit 75
  "$home/node_modules/node/bin/node" --version >/dev/null || exit 75
fi
node="$home/node_modules/node"
PATH="$node/bin:$PATH"
export PATH
echo "Node $(node --version)"

if [[ -n $copy ]]; then
  # The headers are in the package itself, or in that of this platform which it installs beside it.
  headers=$(find "$home/node_modules" -path '*/include/node/node.h' -print -quit)
  [[ -n $headers ]] || { echo "npm's package node@$major has no headers" >&2; exit 75; }
  export npm_config_nodedir="${headers%/include/node/node.h}"
  project="$home/project"
  mkdir -p "$project"
  # All but what was installed there before.
  find "$project" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [[ -e $file ]]; then printf '%s\0' "$file"; fi
  done | tar --null --files-from=- --create | tar --extract --directory="$project"
  cd "$project"
  if ! cmp --silent package-lock.json node_modules/.kubeblame-lock; then
    npm ci --no-fund --no-audit
    cp package-lock.json node_modules/.kubeblame-lock
  fi
fi
"$@"
