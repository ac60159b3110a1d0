#pragma once

// What the whole soak did, for its last words.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace soak {

class Totals {
  public:
    // Counts one deed: "SIGKILL to consumer", "exit 124".
    void count(const std::string& deed) { ++deeds_[deed]; }
    void count_round(bool is_quiet);
    void count_events(std::uint64_t events, std::uint64_t repeats, std::uint64_t marked);
    void count_letters(std::uint64_t letters) { letters_ += letters; }
    void note_recovery(std::chrono::milliseconds duration);
    void note_takeover(std::chrono::milliseconds duration);
    void note_stop(std::chrono::milliseconds duration);

    [[nodiscard]] std::uint64_t rounds() const { return rounds_; }
    [[nodiscard]] std::string describe() const;

  private:
    std::uint64_t rounds_ = 0;
    std::uint64_t quiet_rounds_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t marked_ = 0;
    std::uint64_t letters_ = 0;
    std::uint64_t recoveries_ = 0;
    std::uint64_t takeovers_ = 0;
    std::chrono::milliseconds slowest_recovery_{0};
    std::chrono::milliseconds slowest_takeover_{0};
    std::chrono::milliseconds slowest_stop_{0};
    std::map<std::string, std::uint64_t> deeds_;
};

}  // namespace soak
