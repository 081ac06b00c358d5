# Sourced by ../dev: `./dev bench [NAME] [OPTION…]`, the measurements of tests/bench. Figures from one machine are ratios:
# wxpush is told against others in the same run, in turns.
# shellcheck shell=sh

# Without a NAME: the short answer to "how fast is it here", in a few minutes.
bench_command() {
  configure release -DWXPUSH_TESTS=ON
  compile release wxpush bench_tools fast_backend
  release=$PWD/build/release
  export WXPUSH_BINARY="$release/wxpush" WXPUSH_BARE_BEAST="$release/tests/bench/bare_beast" \
    WXPUSH_PUSH_PATH_BENCH="$release/tests/bench/push_path_bench" WXPUSH_FAST_BACKEND="$release/tests/delivery/fast_backend"
  case ${1-} in
    '' | -*)
      micro
      measure instructions
      measure compare --rows "wxpush,wxpush tmpfs,bare Beast" --rounds 3 --new-rounds 0 "$@"
      ;;
    micro)
      shift
      micro "$@"
      ;;
    make_profile)
      prepare sanitize # clang's runtime, and what joins the counts
      configure release -B build/profile -DWXPUSH_PROFILING=ON -DWXPUSH_TESTS=OFF
      compile profile wxpush
      export WXPUSH_PROFILED="$PWD/build/profile/wxpush"
      measure "$@"
      ;;
    *) measure "$@" ;;
  esac
}

# Google Benchmark's options: --benchmark_filter=append, --benchmark_repetitions=5, --benchmark_format=json …
micro() {
  compile release micro_bench
  say "Bench: micro, each step by itself"
  (cd build && "$release/tests/bench/micro_bench" "$@")
}

measure() { # NAME [OPTION…]
  run=$1
  shift
  case $run in
    compare | latency | growth | beside | memory | soak | instructions | make_profile) ;;
    *) fail $exit_usage "no such measurement: $run (compare, latency, growth, beside, memory, soak, instructions, micro, make_profile)" ;;
  esac
  say "Bench: $run $*"
  python3 -B "tests/bench/$run.py" "$@"
}
