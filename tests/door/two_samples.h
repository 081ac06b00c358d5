#pragma once
// Whether two samples of times come from the same place (Welch's t, as dudect uses it: Reparaz,
// Balasch, Verbauwhede, "Dude, is my code constant time?", 2017).

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace wxpush::door {

constexpr double told_apart = 10;  // beyond this nobody doubts it; 4.5 would be a hint

struct Moments {
  double mean = 0, variance = 0;
};

inline Moments moments_of(const std::vector<double>& sample) {
  const auto size = static_cast<double>(sample.size());
  Moments moments;
  moments.mean = std::accumulate(sample.begin(), sample.end(), 0.0) / size;
  for (const double value : sample) moments.variance += std::pow(value - moments.mean, 2);
  moments.variance /= size - 1;
  return moments;
}

inline double welch_t(const std::vector<double>& a, const std::vector<double>& b) {
  const Moments one = moments_of(a);
  const Moments other = moments_of(b);
  return (one.mean - other.mean) / std::sqrt(one.variance / static_cast<double>(a.size()) +
                                             other.variance / static_cast<double>(b.size()));
}

// Interruptions are none of the program's doing: what took longer than nine of ten of all samples
// together is left out.
inline void crop(std::vector<std::vector<double>>& samples) {
  std::vector<double> all;
  for (const auto& sample : samples) all.insert(all.end(), sample.begin(), sample.end());
  const auto ninth = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 10 * 9);
  std::nth_element(all.begin(), ninth, all.end());
  for (auto& sample : samples) std::erase_if(sample, [&](double value) { return value > *ninth; });
}

}  // namespace wxpush::door
