#include "config/loading.h"

#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

// "WXPUSH__APP__SHOP__TOKEN" is of an entry that is there if any setting of WXPUSH__APP__SHOP__ is
// known.
bool entry_is_known(const std::set<std::string>& known, const std::string& prefix) {
  const auto it = known.lower_bound(prefix);
  return it != known.end() && it->starts_with(prefix);
}

std::string explain_unknown(const Loading& loading, const std::string& variable) {
  for (const std::string kind : {"APP", "HANDLER"}) {
    const std::string start = std::string(variable_prefix) + kind + "__";
    const auto end = variable.find("__", start.size());
    if (!variable.starts_with(start) || end == std::string::npos) continue;
    if (entry_is_known(loading.known_variables, variable.substr(0, end + 2))) continue;
    std::string name = lower(variable.substr(start.size(), end - start.size()));
    std::replace(name.begin(), name.end(), '_', '-');
    return "there is no [[" + lower(kind) + "]] named " + quote_short(name) +
           " in the files; variables only change entries that are there";
  }
  const std::vector<std::string> known(loading.known_variables.begin(),
                                       loading.known_variables.end());
  const std::string near = nearest(variable, known);
  return "no setting has this variable; " +
         (near.empty() ? "write WXPUSH__SECTION__KEY or WXPUSH__APP__NAME__KEY in capitals"
                       : "did you mean " + near + "?");
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) out += ":" + std::to_string(problem.line);
  out += ": ";
  if (!problem.key.empty()) out += problem.key + ": ";
  return out + problem.text;
}

std::string place(const Origin& origin) {
  return origin.line > 0 ? origin.file + ":" + std::to_string(origin.line) : origin.file;
}

void Loading::problem(const Origin& origin, std::string text) {
  problems_.push_back({origin.file, origin.line, origin.key, std::move(text)});
}

std::vector<Problem> Loading::take_problems() {
  const auto rank = [this](const Problem& problem) {
    return std::find(files_shown.begin(), files_shown.end(), problem.file) - files_shown.begin();
  };
  std::stable_sort(problems_.begin(), problems_.end(), [&](const Problem& a, const Problem& b) {
    return std::pair(rank(a), a.line) < std::pair(rank(b), b.line);
  });
  return std::move(problems_);
}

void check_variables(Loading& loading) {
  for (const auto& [variable, value] : loading.environment) {
    if (!variable.starts_with(variable_prefix) || loading.known_variables.contains(variable))
      continue;
    loading.problem({"environment", 0, variable, {}}, explain_unknown(loading, variable));
  }
}

}  // namespace wxpush::config
