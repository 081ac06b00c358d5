# Sourced by ../dev: `./dev run`.
# shellcheck shell=sh

wxpush=build/release/wxpush
settings=var/wxpush.toml

run_command() {
  configure_program release
  compile release wxpush
  [ -f $settings ] || make_development_settings
  say "Starting: $wxpush serve -c $settings   (^C ends it)"
  # The server takes this shell's place, so that ^C and SIGTERM reach it and its exit status is ours.
  # $$ stays the number of that process in the background part, too.
  demonstrate </dev/null &
  exec $wxpush serve -c $settings
}

# Asks the kernel's table rather than a tool that a small system may lack. Where there is no /proc, nothing is
# known to listen, and `serve` says so itself if the port is taken.
someone_listens_on() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port=":$(printf '%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

free_port() { # candidates in order; the first one if all are taken
  for port in "$@"; do
    if ! someone_listens_on "$port"; then
      echo "$port"
      return
    fi
  done
  echo "$1"
}

make_development_settings() {
  push_port=$(free_port 8443 18443 28443 38443)
  admin_port=$(free_port 9090 19090 29090 39090)
  say "Making a development configuration: $settings (fresh keys, a self-signed certificate, port $push_port)"
  # What it prints is for WeChat's console, which cannot reach localhost: shown only if it failed.
  $wxpush init --dir var --name shop --appid wx0123456789abcdef --url "https://localhost:$push_port/wx/shop" \
    --listen "127.0.0.1:$push_port" --store store --log-format text </dev/null >build/init.log 2>&1 || {
    cat build/init.log >&2
    fail 1 "could not make $settings"
  }
  if [ "$admin_port" != 9090 ]; then
    printf '\n# 9090 was taken.\n[admin]\nlisten = "127.0.0.1:%s"\n' "$admin_port" >>$settings
  fi
}

demonstrate() {
  tries=0
  until $wxpush health -c $settings >/dev/null 2>&1; do
    kill -0 $$ 2>/dev/null || return 0 # it has said why it did not start
    tries=$((tries + 1))
    if [ $tries -ge 60 ]; then
      say "The server is not ready after a minute: $wxpush status -c $settings"
      return 0
    fi
    sleep 1
  done
  order=wxpush-test-$(date +%H%M%S)
  say "Acting as WeChat: four encrypted delivery events of the order $order"
  for status in 101 102 202 302; do
    $wxpush trigger update_waybill_status -c $settings --app shop --set "shop_order_id=$order" \
      --set "waybill_id=$order-1" --set "order_status=$status" || return 0
  done
  sleep 1 # only so that the handler's last line stands above what follows
  say "What the store holds now: $wxpush events list -c $settings"
  $wxpush events list -c $settings || return 0
  explain
}

explain() {
  cat <<END

== What you saw
Each event went in as WeChat sends it: encrypted, over TLS, with a msg_signature ("-->", "<--" lines). wxpush verified
and decrypted it, wrote it to disk, and only then answered 200 ("push ... accepted"). After that, in order, the handler
"log" got it ("event ..."). It stays in var/store: stop the server, or kill it, start it again, and all of it is there.

== Try next, in a second terminal
$wxpush trigger update_waybill_status -c $settings --set order_status=301
$wxpush events tail -c $settings
$wxpush status -c $settings
var/wxpush.toml holds the settings; README.md says how to point your mini program here. ^C drains and ends the server.
END
}
