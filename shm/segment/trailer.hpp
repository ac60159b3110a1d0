#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace drainpipe {

// What stands behind a payload where a source settles events, in the same piece of the buffer:
//
//     payload | token | attributes | key, sizes of token and attributes
//
// so that the payload begins where it would without.
struct Trailer {
    std::uint64_t key;
    std::uint32_t token_bytes;
    std::uint32_t attribute_bytes;

    // Bytes that a payload takes with these.
    static constexpr std::size_t size_with(std::size_t payload, std::size_t token,
                                           std::size_t attributes) {
        return payload + token + attributes + sizeof(Trailer);
    }
};
static_assert(sizeof(Trailer) == 16);

// A payload with its trailer, in parts.
struct TrailedPayload {
    std::string_view payload;
    std::string_view token;
    std::string_view attributes;
    std::uint64_t key = 0;

    // Of such a piece; all of it is the payload where it is none.
    static TrailedPayload of(std::string_view piece) {
        Trailer trailer{};
        if (piece.size() < sizeof trailer) {
            return {.payload = piece, .token = {}, .attributes = {}};
        }
        const std::size_t parts = piece.size() - sizeof trailer;
        std::memcpy(&trailer, piece.data() + parts, sizeof trailer);
        const std::uint64_t behind = std::uint64_t{trailer.token_bytes} + trailer.attribute_bytes;
        if (behind > parts) {
            return {.payload = piece, .token = {}, .attributes = {}};
        }
        const std::size_t payload = parts - static_cast<std::size_t>(behind);
        return {.payload = piece.substr(0, payload),
                .token = piece.substr(payload, trailer.token_bytes),
                .attributes = piece.substr(payload + trailer.token_bytes, trailer.attribute_bytes),
                .key = trailer.key};
    }

    void append_to(std::string& pieces) const {
        const Trailer trailer{.key = key,
                              .token_bytes = static_cast<std::uint32_t>(token.size()),
                              .attribute_bytes = static_cast<std::uint32_t>(attributes.size())};
        pieces.append(payload).append(token).append(attributes);
        pieces.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
    }
};

}  // namespace drainpipe
