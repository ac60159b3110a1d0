#include <span>
#include <stdexcept>

#include "drainpipe/producer.hpp"
#include "intake_body.hpp"

namespace drainpipe {
namespace {

void require_fits(const IntakeBody& body, std::size_t bytes) {
    if (bytes > body.facts().largest_payload) {
        throw std::length_error("an event of " + std::to_string(bytes) +
                                " bytes is larger than the ring's buffer of " +
                                std::to_string(body.facts().largest_payload) + " (--buffer-size)");
    }
}

}  // namespace

bool Intake::is_closing() const { return body_.acceptor().is_over(); }
int Intake::closing_fd() const { return body_.facts().closing_fd; }
std::uint64_t Intake::last_id() const { return body_.facts().last_id(); }
std::string Intake::run() const { return body_.facts().run; }
std::size_t Intake::largest() const { return body_.facts().largest_payload; }

std::size_t Intake::push_payloads(const std::string_view* payloads, std::size_t count,
                                  Clock::time_point until) {
    const std::span<const std::string_view> all(payloads, count);
    for (const std::string_view payload : all) {
        require_fits(body_, payload.size());
    }
    return is_closing() ? 0 : body_.acceptor().accept(all, until);
}

std::size_t Intake::push_records(const char* records, std::size_t count, std::size_t record_bytes,
                                 Clock::time_point until) {
    require_fits(body_, record_bytes);
    return is_closing() ? 0
                        : body_.acceptor().accept_records({records, count, record_bytes}, until);
}

}  // namespace drainpipe
