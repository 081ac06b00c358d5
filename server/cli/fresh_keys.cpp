#include "server/cli/fresh_keys.h"

namespace wxpush::cli {

FreshKeys make_fresh_keys(crypto::Random& random) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return {config::Secret(crypto::random_text(random, 32, alphabet)),
          config::Secret(crypto::random_text(random, 43, alphabet))};
}

}  // namespace wxpush::cli
