# Sourced by ../dev: `./dev bench`. Figures from one machine are ratios: wxpush is told against a bare Beast server
# that verifies and stores nothing, in the same run, in turns.
# shellcheck shell=sh

directory=build/bench # a configuration and a fresh store, so on this tree's disk
rounds=3

# Arguments go to `wxpush bench`, in place of `--connections 64 --duration 5`.
bench_command() {
  . scripts/run.sh
  configure release -DWXPUSH_TESTS=ON
  compile release wxpush queue_bench push_path_bench bare_beast
  [ $# -gt 0 ] || set -- --connections 64 --duration 5
  say "The queue alone: processor time for a stored event"
  build/release/tests/bench/queue_bench
  push_path_instructions
  start_servers
  trap 'kill $server $reference 2>/dev/null || :' EXIT
  round=0
  while [ $round -lt $rounds ]; do
    round=$((round + 1))
    say "Round $round: the reference (bare Beast over TLS; nothing verified, nothing stored)"
    offer "$reference_port" "$@" || : # its answers are not sealed, which counts as a failure or not: the rate is what matters
    say "Round $round: wxpush (verified, stored, synced to the disk, acknowledged, delivered to the log handler)"
    offer "$push_port" "$@"
  done
  kill "$server" "$reference"
  wait "$server" || fail 1 "the server did not drain: see $directory/server.log"
  trap - EXIT
}

# The difference of two runs under callgrind, so that set-up is not in the figure.
push_path_instructions() {
  say "The protocol path alone: instructions for an accepted push (parse, verify, decrypt, read, seal the reply)"
  # Without debug information: Debian 12's valgrind cannot read clang 16's.
  strip -o build/push_path_bench build/release/tests/bench/push_path_bench
  few=$(instructions 200)
  many=$(instructions 1200)
  [ "${few:-0}" -gt 0 ] && [ "${many:-0}" -gt "$few" ] || fail 1 "callgrind counted nothing"
  echo "$(((many - few) / 1000)) instructions"
}

instructions() { # pushes
  valgrind --tool=callgrind --callgrind-out-file=/dev/null build/push_path_bench "$1" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# The servers on one core, the load on another, where there are several. Words, not functions: the server's number is needed.
server_core=
load_core=
if [ "$(nproc)" -gt 1 ]; then
  server_core='taskset -c 0'
  load_core='taskset -c 1'
fi

start_servers() {
  rm -rf $directory
  mkdir -p $directory
  push_port=$(free_port 8443 18443 28443 38443)
  reference_port=$(free_port 48443 58443)
  admin_port=$(free_port 9090 19090 29090)
  $wxpush init --dir $directory --name shop --appid wx0123456789abcdef --url "https://localhost:$push_port/wx/shop" \
    --listen "127.0.0.1:$push_port" --store store </dev/null >$directory/init.log 2>&1
  $server_core env "WXPUSH__ADMIN__LISTEN=127.0.0.1:$admin_port" "$wxpush" serve -c $directory/wxpush.toml \
    >$directory/server.log &
  server=$!
  $server_core build/release/tests/bench/bare_beast "$reference_port" $directory/tls/cert.pem $directory/tls/key.pem \
    >$directory/reference.log 2>&1 &
  reference=$!
  tries=0
  until $wxpush health -c $directory/wxpush.toml >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -ge 30 ] || ! kill -0 $server 2>/dev/null; then
      fail 1 "the server did not start: see $directory/server.log"
    fi
    sleep 1
  done
}

offer() { # port, options
  port=$1
  shift
  $load_core "$wxpush" bench -c $directory/wxpush.toml --app shop --url "https://127.0.0.1:$port/wx/shop" \
    --ca-file $directory/tls/cert.pem "$@"
}
