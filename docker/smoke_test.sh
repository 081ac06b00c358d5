#!/bin/sh
# Builds the images, starts compose.yml's two containers as an operator would, and tries them for real: encrypted pushes through
# nginx into the container's store, a drain, a restart on the same volume; then compose.queue.yml's three, with RabbitMQ going
# away and coming back. Called by `./dev docker`.
# Uses the Docker engine that runs; as root, where none runs, it starts one of its own for the time of the test.
set -eu
unset CDPATH
cd -P -- "$(dirname -- "$0")/.."

work=$PWD/build/docker
deploy=$work/deploy # a copy of docker/ with secrets and a certificate in it, as the README has the operator make it
engine=
consumer=
WXPUSH_PORT=${WXPUSH_PORT:-18443}
RABBITMQ_PORT=${RABBITMQ_PORT:-15673}
export WXPUSH_PORT RABBITMQ_PORT
COMPOSE_PROJECT_NAME=wxpush-smoke
export COMPOSE_PROJECT_NAME

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}
queue= # or compose.queue.yml, from the second part on
compose() { # as a plugin or as a program, whichever is there
  if docker compose version >/dev/null 2>&1; then
    docker compose -f "$deploy/compose.yml" ${queue:+-f "$deploy/$queue"} "$@"
  else
    docker-compose -f "$deploy/compose.yml" ${queue:+-f "$deploy/$queue"} "$@"
  fi
}
in_wxpush() { compose exec -T wxpush "$@" </dev/null; }
in_rabbitmq() { compose exec -T rabbitmq "$@" </dev/null; }

clean_up() {
  status=$?
  trap - EXIT INT TERM
  if [ "$status" -ne 0 ] && [ -f "$deploy/compose.yml" ]; then compose logs --no-color --tail 40 || :; fi
  [ -z "$consumer" ] || kill "$consumer" 2>/dev/null || :
  if [ -f "$deploy/compose.yml" ]; then compose down -v --remove-orphans >/dev/null 2>&1 || :; fi
  rm -rf "$deploy"
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || :
    wait "$engine" 2>/dev/null || :
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_engine() {
  if docker info >/dev/null 2>&1; then return 0; fi
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers; start it, or call this as root"
  say "Starting a Docker engine of our own (its images stay in build/docker/engine)"
  mkdir -p "$work"
  DOCKER_HOST=unix://$work/docker.sock
  export DOCKER_HOST
  dockerd --data-root "$work/engine" --exec-root "$work/exec" --pidfile "$work/docker.pid" --host "$DOCKER_HOST" \
    >"$work/dockerd.log" 2>&1 &
  engine=$!
  tries=0
  until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -ge 60 ] || ! kill -0 "$engine" 2>/dev/null; then fail "dockerd did not start: see $work/dockerd.log"; fi
    sleep 1
  done
}

base_image() {
  if docker image inspect debian:bookworm-slim >/dev/null 2>&1; then return 0; fi
  if timeout 120 docker pull debian:bookworm-slim; then return 0; fi
  [ "$(id -u)" = 0 ] || fail "cannot pull debian:bookworm-slim, and making it takes root"
  say "No registry: making debian:bookworm-slim with debootstrap"
  rm -rf "$work/base"
  debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log" || fail "see $work/debootstrap.log"
  rm -f "$work"/base/var/cache/apt/archives/*.deb
  tar -C "$work/base" -c . | docker import - debian:bookworm-slim
  rm -rf "$work/base"
}

build_images() {
  for target in wxpush nginx rabbitmq; do
    image=wxpush:local
    [ $target = wxpush ] || image=wxpush-$target:local
    say "Building $image"
    DOCKER_BUILDKIT=0 docker build --target $target -f docker/Dockerfile -t $image .
  done
}

make_deployment() {
  rm -rf "$deploy"
  mkdir -p "$deploy/secrets" "$deploy/tls"
  cp docker/compose.yml docker/compose.queue.yml docker/nginx.conf docker/wxpush.toml docker/queue.toml "$deploy/"
  openssl rand -hex 16 >"$deploy/secrets/shop_token"
  openssl rand -base64 32 | tr -d '=' >"$deploy/secrets/shop_aes_key"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$deploy/tls/key.pem" -out "$deploy/tls/cert.pem" 2>/dev/null
  chmod 400 "$deploy"/secrets/* "$deploy/tls/key.pem"
  chown 10001:10001 "$deploy"/secrets/*
  chown 33:33 "$deploy/tls/key.pem"
  for user in wxpush consumer; do
    openssl rand -hex 24 >"$deploy/secrets/rabbitmq_$user"
    chown 10001:10002 "$deploy/secrets/rabbitmq_$user"
    chmod 440 "$deploy/secrets/rabbitmq_$user"
  done
}

# WeChat's part: from outside, through the published port.
push() { # order
  docker run --rm --network host --read-only --cap-drop ALL \
    -v "$deploy/wxpush.toml:/etc/wxpush/wxpush.toml:ro" -v "$deploy/secrets:/run/secrets:ro" \
    -v "$deploy/tls/cert.pem:/cert.pem:ro" wxpush:local \
    trigger update_waybill_status --app shop --url "https://localhost:$WXPUSH_PORT/wx/shop" --ca-file /cert.pem \
    --set "shop_order_id=$1" --set order_status=102
}

stored() { # order
  in_wxpush wxpush events list --format json | grep -c "\"order_key\":\"wx0123456789abcdef/[^\"]*$1\"" || :
}

wait_until_healthy() { # service
  tries=0
  until [ "$(docker inspect -f '{{.State.Health.Status}}' "$(compose ps -q "$1")")" = healthy ]; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || fail "$1 did not become healthy"
    sleep 1
  done
}

taken() { # how many events the consumer's inbox holds
  python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM event").fetchone())' \
    "$deploy/inbox.db"
}

in_queue() { # how many messages RabbitMQ holds
  in_rabbitmq rabbitmqctl -q --no-table-headers list_queues name type messages | sed -n 's/^wxpush	quorum	//p'
}

wait_for_queue() { # how many messages it is to hold
  tries=0
  until [ "$(in_queue)" = "$1" ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || fail "RabbitMQ has $(in_queue) events instead of $1"
    sleep 1
  done
}

expect() { # what, expected, found
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
  echo "ok: $1"
}

start_engine
base_image
build_images
make_deployment

say "Starting the two containers"
compose up -d --no-build
expect "it runs as user 10001" 10001 "$(in_wxpush id -u)"
expect "its root is read-only" no "$(in_wxpush sh -c 'touch /x 2>/dev/null && echo yes || echo no')"
in_wxpush wxpush status

say "A push through nginx"
push wxpush-test-first
expect "it is in the container's store once" 1 "$(stored wxpush-test-first)"
in_wxpush wxpush events list
expect "nginx's log has no query strings" 0 "$(compose logs --no-color nginx | grep -c 'signature=' || :)"
expect "the peer's address arrived" 0 "$(compose logs --no-color wxpush | grep -c 'not in trusted_proxies' || :)"

say "SIGTERM drains"
container=$(compose ps -q wxpush)
began=$(date +%s)
compose stop wxpush
expect "exit status" 0 "$(docker inspect -f '{{.State.ExitCode}}' "$container")"
[ $(($(date +%s) - began)) -le 8 ] || fail "the drain took too long"
if push wxpush-test-meanwhile; then fail "a push was acknowledged while wxpush was stopped"; fi

say "The store outlives the container"
compose rm -f wxpush
compose up -d --no-build
wait_until_healthy wxpush
expect "the first event is still there" 1 "$(stored wxpush-test-first)"
push wxpush-test-second
expect "the second one is stored beside it" 1 "$(stored wxpush-test-second)"
expect "the unacknowledged one is not" 0 "$(stored wxpush-test-meanwhile)"

say "RabbitMQ beside them"
queue=compose.queue.yml
compose up -d --no-build
wait_until_healthy rabbitmq
wait_until_healthy wxpush
expect "it runs as user 10002" 10002 "$(in_rabbitmq id -u)"
in_wxpush wxpush check --connect
push wxpush-test-queued
sent=$(stored wxpush-test-queued) # those before it are not for a handler that was not there yet
wait_for_queue "$sent"

say "RabbitMQ goes away: that is no outage for WeChat, and nothing is lost"
compose stop rabbitmq
push wxpush-test-without
expect "it is stored, once" 1 "$(stored wxpush-test-without)"
compose rm -f rabbitmq
compose up -d --no-build
wait_until_healthy rabbitmq
sent=$((sent + 1))
wait_for_queue "$sent"
echo "ok: it has all $sent after its restart on the same volume"
expect "no dead letters" 0 "$(in_wxpush wxpush dlq list --format json | wc -l)"

say "A consumer on this machine"
AMQP_URL="amqp://consumer:$(cat "$deploy/secrets/rabbitmq_consumer")@127.0.0.1:$RABBITMQ_PORT/%2F" \
  INBOX="$deploy/inbox.db" /usr/bin/python3 -B examples/consumers/python/rabbitmq.py &
consumer=$!
wait_for_queue 0
expect "it has them" $sent "$(taken)"

say "docker: all of it works"
