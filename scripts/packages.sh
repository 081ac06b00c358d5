# Sourced by ../dev: what has to be installed, and installing it. Needs say() and fail().
# shellcheck shell=sh

exit_usage=64
exit_unavailable=69 # sysexits.h EX_UNAVAILABLE: something that is needed is missing

# What each command needs: Debian package, how to see it elsewhere (a command or a header), what it is
needs() {
  case $1 in
    build) cat <<'END' ;;
clang-16              clang++-16                 the compiler, clang 16
lld-16                ld.lld-16                  its linker
cmake                 cmake                      CMake 3.25 or newer
ninja-build           ninja                      Ninja
ccache                ccache                     compiler cache
libboost1.81-dev      <boost/beast/version.hpp>  Boost 1.81: Beast, Asio (headers only)
libssl-dev            <openssl/evp.h>            OpenSSL 3
rapidjson-dev         <rapidjson/rapidjson.h>    RapidJSON 1.1
libspdlog-dev         <spdlog/version.h>         spdlog 1.10
libfmt-dev            <fmt/core.h>               fmt 9
libsqlite3-dev        <sqlite3.h>                SQLite 3.40
libtomlplusplus-dev   <toml++/toml.h>            toml++ 3
libcli11-dev          <CLI/Version.hpp>          CLI11 2
prometheus-cpp-dev    <prometheus/counter.h>     prometheus-cpp 1
libgoogle-perftools-dev <gperftools/tcmalloc.h> gperftools 2.10: tcmalloc, the program's allocator
librabbitmq-dev       <amqp.h>                   librabbitmq 0.11, for handlers of type amqp
libhiredis-dev        <hiredis/hiredis.h>        hiredis 0.14, for handlers of type redis
librdkafka-dev        <librdkafka/rdkafka.h>     librdkafka 2.0, for handlers of type kafka
END
    test) cat <<'END' ;;
doctest-dev           <doctest/doctest.h>        doctest 2.4
libbenchmark-dev      <benchmark/benchmark.h>    Google Benchmark 1.7, for measurements of single steps
python3               python3                    Python 3.11, for the end-to-end tests
pkgconf               pkg-config                 pkg-config, to build against the installed package
openssl               openssl                    makes certificates for the tests
strace                strace                     shows the order of system calls in a fault test
nginx                 nginx                      nginx, which the tests start for themselves in front of wxpush
valgrind              valgrind                   counts what it costs to refuse a push
redis-server          redis-server               Redis 7, which the tests start for themselves
rabbitmq-server       rabbitmq-server            RabbitMQ 3.10, likewise
python3-pika          python3                    clients for Python, for the tests that read what a broker holds
python3-redis         python3                    likewise
python3-confluent-kafka python3                  likewise
END
    sanitize) cat <<'END' ;;
libclang-rt-16-dev    clang++-16                 the sanitizers' and libFuzzer's runtime of clang 16
llvm-16               llvm-symbolizer-16         names in the sanitizers' reports
END
    gcc) cat <<'END' ;;
g++-12                g++-12                     the second compiler
END
    lint) cat <<'END' ;;
clang-format-16       clang-format-16            formatting
clang-tidy-16         clang-tidy-16              static checks
END
    bench) cat <<'END' ;;
valgrind              valgrind                   counts instructions
END
    rivals) # what wxpush is compared with, for `./dev bench compare`: 300 MB, most of it Go
      cat <<'END'
golang-go             go                         Go 1.19
nginx                 nginx                      nginx
webhook               webhook                    webhook 2.8
python3-aiohttp       python3                    aiohttp, of Debian's Python
python3-cryptography  python3                    cryptography, likewise
python3-uvloop        python3                    uvloop, likewise
END
      command -v npm >/dev/null || echo 'npm npm npm, with Node 18 or newer'
      ;;
    docker) cat <<'END' ;;
docker.io             dockerd                    Docker 20.10 or newer
docker-compose        docker-compose             Compose 1.29 or newer
debootstrap           debootstrap                makes the base image where no registry can be reached
ca-certificates       openssl                    certificates, to pull the base image
openssl               openssl                    makes the test's certificate
python3-pika          python3                    for the sample consumer
END
    samples) # 200 MB, which most machines where one wants them have from elsewhere; Debian's npm goes with Debian's node alone
      command -v npm >/dev/null || echo 'npm npm npm, with Node 18 or newer, for the sample back ends in Node'
      command -v javac >/dev/null || echo 'openjdk-17-jdk-headless javac JDK 17, for the sample back end in Java'
      ;;
    *) fail $exit_usage "no such set of packages: $1 (build, test, sanitize, gcc, lint, bench, rivals, docker, samples)" ;;
  esac
}

# prepare SET…: all packages of these sets are there afterwards, or the exit status is 69.
prepare() {
  wanted=$(for set in "$@"; do needs "$set"; done)
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    prepare_debian
  else
    prepare_elsewhere
  fi
}

prepare_debian() {
  packages=$(printf '%s\n' "$wanted" | awk '{ print $1 }' | sort -u)
  # shellcheck disable=SC2086 # a list of words
  there=$(dpkg-query -W -f '|${Package} ${db:Status-Status}|' $packages 2>/dev/null || :)
  missing=
  for package in $packages; do
    case $there in *"|$package installed|"*) ;; *) missing="$missing $package" ;; esac
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    fail $exit_unavailable "run as root, then call this again: apt-get install --no-install-recommends$missing"
  fi
  say "Installing packages from Debian (a minute or two, once):$missing"
  apt_get update || say "apt-get update had errors (above); trying with the lists that are there"
  # shellcheck disable=SC2086
  apt_get install -y --no-install-recommends $missing ||
    fail $exit_unavailable "could not install:$missing. wxpush is built with the packages of Debian 12 (bookworm)"
}

apt_get() {
  $as_root env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" </dev/null
}

# Not Debian: look for the thing itself, and say all that is missing at once.
prepare_elsewhere() {
  missing=
  missing=$(printf '%s\n' "$wanted" | while read -r package probe what; do
    case $probe in
      '<'*) printf '#include %s\n' "$probe" | clang++-16 -std=c++20 -fsyntax-only -x c++ - 2>/dev/null || missing=1 ;;
      *) command -v "$probe" >/dev/null || missing=1 ;;
    esac
    [ -z "${missing-}" ] || printf '  %-48s  Debian: %s\n' "$what" "$package"
    missing=
  done)
  [ -z "$missing" ] && return 0
  printf 'dev: this is not Debian, so you install what is missing yourself:\n%s\n' "$missing" >&2
  printf 'Or take a Debian 12: docker build -f docker/Dockerfile -t wxpush:local .\n' >&2
  exit $exit_unavailable
}
