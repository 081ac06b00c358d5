#include "handlers/sink/http_outcome.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 9110, 10.2.3: seconds, or a date. What is neither is ignored.
std::optional<milliseconds> read_retry_after(std::string_view text, WallTime now) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && stop == end) {
    constexpr std::int64_t year = 31'536'000;
    return seconds(std::clamp<std::int64_t>(number, 0, year));
  }
  std::tm parts{};
  const std::string date(text);
  const char* stop = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (stop == nullptr || *stop != '\0') return std::nullopt;
  const WallTime when{seconds(timegm(&parts))};
  return std::max(milliseconds(0), when - now);
}

}  // namespace

Outcome http_outcome(unsigned status, std::string_view retry_after,
                     const std::vector<unsigned>& permanent, WallTime now) {
  if (status >= 200 && status < 300) return std::nullopt;
  constexpr unsigned not_about_the_event[] = {401, 403, 404, 408, 429};
  Failure failure;
  failure.error = "HTTP " + std::to_string(status);
  failure.permanent = std::ranges::find(permanent, status) != permanent.end();
  const bool judged =
      status >= 400 && status < 500 &&
      std::ranges::find(not_about_the_event, status) == std::end(not_about_the_event);
  failure.blame = judged || failure.permanent ? Blame::event : Blame::handler;
  failure.retry_after = read_retry_after(retry_after, now);
  if (status >= 300 && status < 400)
    failure.error += " (redirects are not followed: correct the url)";
  return failure;
}

Outcome http_outcome(const HttpFailure& failure) {
  Failure told;
  told.error = failure.error;
  if (failure.kind == HttpFailure::Kind::unreachable) told.blame = Blame::place;
  return told;
}

}  // namespace wxpush::sink
