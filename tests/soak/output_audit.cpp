#include "output_audit.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "harness/files.hpp"

namespace soak {
namespace {

// The number behind the prefix, if the line is such a payload.
std::optional<std::uint64_t> number_in(std::string_view line, std::size_t prefix_size) {
    const auto digits = line.substr(prefix_size);
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return parsed.ec == std::errc{} ? std::optional(number) : std::nullopt;
}

}  // namespace

OutputAudit::OutputAudit(std::string_view text, const std::vector<Receipt>& receipts,
                         const Plan& plan)
    : receipts_(receipts), plan_(plan), role_locks_(receipts.size()) {
    for (std::size_t client = 0; client < receipts.size(); ++client) {
        clients_.emplace(receipts[client].prefix, client);
    }
    if (!text.empty() && !text.ends_with('\n')) fail("the last line has no end");
    for (const auto line : harness::lines_of(text)) take(line);
    compare_with_receipts();
    count_copies();
}

void OutputAudit::take(std::string_view line) {
    const auto prefix_size = line.find('-') + 1;  // 0 where there is none
    const auto client = clients_.find(line.substr(0, prefix_size));
    const auto number = number_in(line, prefix_size);
    if (client == clients_.end() || !number ||
        line != payload_of(receipts_[client->second], *number)) {
        fail("nobody sent '" + std::string(line.substr(0, 200)) + "'");
        return;
    }
    auto& places = role_locks_[client->second];
    const bool is_known =
        *number >= 1 && *number <= places.size() && places[*number - 1] != kNotYet;
    if (is_known) {
        ++events_[places[*number - 1]].times;
    } else {
        take_new(client->second, *number, line);
    }
}

void OutputAudit::take_new(std::size_t client, std::uint64_t number, std::string_view line) {
    auto& places = role_locks_[client];
    const bool is_next = number == places.size() + 1;
    const bool is_possible = number >= 1 && number <= receipts_[client].sent &&
                             !plan_.keeps_order_of(receipts_[client].prefix);
    if (!is_next && !is_possible) {
        fail("'" + std::string(line.substr(0, 200)) + "' comes first behind event " +
             std::to_string(places.size()) + " of its client");
        return;
    }
    if (number > places.size()) places.resize(number, kNotYet);
    places[number - 1] = events_.size();
    events_.push_back({client, number, 1});
}

void OutputAudit::compare_with_receipts() {
    for (std::size_t client = 0; client < receipts_.size(); ++client) {
        const auto& receipt = receipts_[client];
        const auto seen = role_locks_[client].size();
        if (std::ranges::count(role_locks_[client], kNotYet) > 0) {
            fail("client '" + receipt.prefix + "' lacks an event before its " +
                 std::to_string(seen));
        }
        const bool is_wrong =
            receipt.is_exact ? seen != receipt.known : seen < receipt.known || seen > receipt.sent;
        if (is_wrong) {
            fail("client '" + receipt.prefix + "' was told that " + std::to_string(receipt.known) +
                 " are in" + (receipt.is_exact ? ", exactly" : ", at least") + ", of " +
                 std::to_string(receipt.sent) + "; put out are " + std::to_string(seen));
        }
    }
}

void OutputAudit::count_copies() {
    for (const auto& event : events_) {
        if (event.times < plan_.copies()) {
            fail("'" + payload(event) + "' was put out " + std::to_string(event.times) +
                 " times, for " + std::to_string(plan_.copies()) + " consumers");
        } else {
            repeats_ += event.times - plan_.copies();
        }
    }
}

void OutputAudit::fail(const std::string& what) {
    if (fault_.empty()) fault_ = "output: " + what;
}

}  // namespace soak
