// What a bad disk does to a store, ten thousand times: bits flipped, sectors overwritten, files cut
// off. Whatever reads, checks, starts or salvages the store then must say so or give what was
// stored.
//
//   store_flips make DIR                   stores in DIR: plain-killed and sealed-killed (the
//                                          newest commits in the log), plain-stopped,
//                                          sealed-stopped
//   store_flips run BASE WORK COUNT SEED   damages copies of the store in BASE, one after the
//                                          other, in WORK/NAME; prints one JSON object of counts,
//                                          and before it a line "FINDING …" for each that was
//                                          wrong. (bit_flips.py adds them up.)

#include "crypto/primitives/random.h"
#include "handlers/queue/page_checksum.h"
#include "handlers/queue/store_check.h"
#include "handlers/queue/store_salvage.h"
#include "tests/fault/flipped_store.h"
#include "tests/handlers/queue/sample_events.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>

namespace wxpush::queue {
namespace {

namespace fs = std::filesystem;

const Progress silent = [](const std::string&, std::uint64_t, std::uint64_t) {};

template <class Body>
Answer answer_of(const Body& body, std::string& what) {
  try {
    return body();
  } catch (const std::exception& error) {
    what = error.what();
    return Answer::told;
  }
}

// Where in queue.db the page ends that an event lies on. Left out: those that lie in the log alone,
// and large ones, which go on elsewhere.
std::map<RowId, std::uint64_t> page_ends(const fs::path& base, const Content& stored) {
  constexpr std::size_t page = database_page_bytes;
  constexpr std::size_t large = 4096;
  std::ifstream file(base / "queue.db", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::map<RowId, std::uint64_t> ends;
  for (const auto& [id, event] : stored.events) {
    // As they follow one another in a row; the last, if an older copy was left in a free page.
    const std::string head(reinterpret_cast<const char*>(event.event_id.bytes.data()),
                           event.event_id.bytes.size());
    const auto at = bytes.rfind(head + event.app + event.appid);
    if (at != bytes.npos && event.body.size() < large) ends[id] = (at / page + 1) * page;
  }
  return ends;
}

class Run {
 public:
  Run(fs::path base, const fs::path& work, std::uint64_t seed)
      : base_(std::move(base)),
        work_(work / base_.filename()),
        keys_(keys_of(base_)),
        chance_(seed) {
    fs::create_directories(work);
    fresh_copy();
    stored_ = content_of(*Reader::open(work_, keys_));
    known_log_ = known_log(base_);
    ends_ = page_ends(base_, stored_);
    // The one during which its process was killed.
    if (known_log_.commits_beyond > 1)
      throw std::runtime_error("LOCK of " + base_.string() + " does not know how long the log is");
    for (const auto& entry : fs::directory_iterator(base_)) {
      const auto size = fs::file_size(entry.path());
      if (size == 0) continue;
      const std::string name = entry.path().filename();
      // Most of them where most can go wrong.
      weights_.push_back(name == "queue.db" ? 60 : name == "queue.db-wal" ? 32 : 3);
      files_.push_back({name, size});
    }
  }

  void one() {
    const Damage damage = choose();
    std::string what;
    fresh_copy(damage);
    const Answer read = answer_of([&] { return look_at(*Reader::open(work_, keys_), what); }, what);
    fresh_copy(damage);
    const bool whole = checks_out();
    fresh_copy(damage);
    const Answer started = answer_of([&] { return start(what); }, what);
    fresh_copy(damage);
    judge(damage, read, whole, started, what);
    salvage_it(damage, whole && started == Answer::same);
    ++counts_["mutations"];
    ++counts_["of_" + damage.file.substr(damage.file.find('-') + 1)];
  }

  void print() const {
    std::cout << "{";
    const char* comma = "";
    for (const auto& [name, count] : counts_) {
      std::cout << comma << '"' << name << "\": " << count;
      comma = ", ";
    }
    std::cout << "}\n";
  }

 private:
  Damage choose() {
    std::discrete_distribution<std::size_t> file(weights_.begin(), weights_.end());
    const auto& [name, size] = files_[file(chance_)];
    Damage damage{.file = name};
    const auto kind = chance_() % 100;
    damage.kind = kind < 70 ? "flip" : kind < 85 ? "cut" : "sector";
    damage.at = chance_() % size;
    damage.bit = static_cast<unsigned>(chance_() % 8);
    if (damage.kind == "sector") damage.at -= damage.at % 512;
    return damage;
  }

  void fresh_copy() {
    fs::remove_all(work_);
    fs::copy(base_, work_);
  }

  void fresh_copy(const Damage& damage) {
    fresh_copy();
    apply(damage, work_);
  }

  bool checks_out() {
    try {
      return check_store(work_, keys_, silent).whole();
    } catch (const StoreOpenError&) {
      return false;
    }
  }

  // Also what was read before an error is judged: it was delivered, or shown.
  Answer look_at(Reader& reader, std::string& what) {
    found_ = {};
    try {
      read_content(reader, found_);
    } catch (const std::exception& error) {
      what = error.what();
      return all_stored(found_, stored_) ? Answer::told : Answer::wrong;
    }
    return compare(found_, stored_);
  }

  // A server's start, what it would deliver, and what it says of pushes that come again.
  Answer start(std::string& what) {
    SystemClock clock;
    SystemDisk disk;
    NullLog log;
    const auto queue = Queue::open(settings_of(work_), clock, disk, log);
    queue->start({});
    const Answer answer = look_at(*queue->reader(), what);
    if (answer == Answer::wrong) return answer;
    for (const auto& [id, event] : found_.events) {
      if (!append(*queue, event)) return Answer::wrong;
    }
    return answer;
  }

  // Only there a state may come back that is older: a commit during which the process was killed
  // looks like one that a power cut tore.
  bool is_beyond_known_log(const Damage& damage) const {
    return damage.file == "queue.db-wal" && damage.at >= known_log_.bytes;
  }

  void judge(const Damage& damage, Answer read, bool whole, Answer started,
             const std::string& what) {
    if (read == Answer::wrong || started == Answer::wrong)
      finding(damage, "served what was not stored");
    const bool older = read == Answer::older || started == Answer::older;
    if (older && !is_beyond_known_log(damage)) finding(damage, "forgot without a word");
    if (whole && !older && (read == Answer::told || started == Answer::told))
      finding(damage, "the check does not see what others do: " + what);
    if (!whole) ++counts_["detected"];
    if (whole && !older) ++counts_["harmless"];
    if (whole && older) ++counts_["unanswered_commit_lost"];
    if (started == Answer::told) ++counts_["start_refused"];
  }

  void salvage_it(const Damage& damage, bool harmless) {
    SystemClock clock;
    SystemDisk disk;
    crypto::SystemRandom random;
    const fs::path target = work_.string() + ".saved";
    fs::remove_all(target);
    try {
      const SalvageReport report = salvage(work_, target, keys_, clock, disk, random, silent);
      const Content saved = content_of(*Reader::open(target, keys_));
      judge_saved(damage, report, saved, harmless);
    } catch (const std::exception& error) {
      finding(damage, std::string("salvage: ") + error.what());
    }
    fs::remove_all(target);
  }

  // Of one on a damaged page nothing says to the millisecond when it was received: only what lies
  // about it, beyond the page.
  bool is_saved(StoredEvent event, std::map<RowId, StoredEvent>::const_iterator was,
                bool page_damaged) const {
    constexpr RowId of_a_page = 40;
    if (page_damaged) {
      const RowId id = was->first;
      auto [least, most] = std::pair{was->second.received_at, was->second.received_at};
      for (auto near = stored_.events.lower_bound(id - std::min(id, of_a_page));
           near != stored_.events.end() && near->first <= id + of_a_page; ++near) {
        least = std::min(least, near->second.received_at);
        most = std::max(most, near->second.received_at);
      }
      if (least <= event.received_at && event.received_at <= most)
        event.received_at = was->second.received_at;
    }
    return same(event, was->second);
  }

  void judge_saved(const Damage& damage, const SalvageReport& report, const Content& saved,
                   bool harmless) {
    for (const auto& [id, event] : saved.events) {
      const auto was = stored_.events.find(id);
      if (was == stored_.events.end() || !is_saved(event, was, report.damaged_pages > 0))
        finding(damage, "salvage made up event " + std::to_string(id));
    }
    const std::size_t lost = stored_.events.size() - saved.events.size();
    counts_["events_lost_by_salvage"] += lost;
    if (lost > 0 && report.everything() && !is_beyond_known_log(damage))
      finding(damage, "salvage lost " + std::to_string(lost) + " events and does not say so");
    if (damage.kind == "cut") return judge_saved_of_rest(damage, saved, lost);
    // A page, and two of its kind where a sector hits what lies about them.
    const std::size_t most = damage.file == "queue.db" && damage.kind == "flip" ? 0 : 40;
    if (lost > most) finding(damage, "salvage lost " + std::to_string(lost) + " events");
    if ((harmless || (damage.file == "queue.db" && damage.kind == "flip")) &&
        saved.marks != stored_.marks)
      finding(damage, "salvage lost how far handlers came");
    if (report.everything()) ++counts_["saved_whole"];
  }

  // What was not cut off has to be there.
  void judge_saved_of_rest(const Damage& damage, const Content& saved, std::size_t lost) {
    if (damage.file == "queue.db") {
      for (const auto& [id, end] : ends_) {
        if (end > damage.at) continue;
        ++counts_["events_before_a_cut"];
        if (!saved.events.contains(id))
          finding(damage, "salvage lost event " + std::to_string(id) + ", before the cut");
      }
    } else if (damage.file != "queue.db-wal" && lost > 0) {
      finding(damage, "salvage lost " + std::to_string(lost) + " events");
    }
  }

  void finding(const Damage& damage, const std::string& what) {
    ++counts_["findings"];
    std::cout << "FINDING " << damage.text() << ": " << what << std::endl;
  }

  fs::path base_, work_;
  std::vector<BodyKey> keys_;
  std::mt19937_64 chance_;
  Content stored_;
  Content found_;  // by the last look
  KnownLog known_log_;
  std::map<RowId, std::uint64_t> ends_;
  std::vector<std::pair<std::string, std::uint64_t>> files_;
  std::vector<double> weights_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace
}  // namespace wxpush::queue

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 2 && arguments[0] == "make") {
      wxpush::queue::make_stores(arguments[1]);
      return 0;
    }
    if (arguments.size() == 5 && arguments[0] == "run") {
      wxpush::queue::Run run(arguments[1], arguments[2], std::stoull(arguments[4]));
      const std::uint64_t count = std::stoull(arguments[3]);
      for (std::uint64_t n = 0; n < count; ++n) run.one();
      run.print();
      return 0;
    }
  } catch (const std::exception& error) {
    std::cerr << "store_flips: " << error.what() << '\n';
    return 1;
  }
  std::cerr << "store_flips: what is to be done?\n";
  return 64;
}
