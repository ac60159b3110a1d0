#pragma once

#include <algorithm>
#include <string_view>

namespace drainpipe {

// Calls take(name, value) with each of an event's attributes, "NAME=value" with a zero byte after
// each, as Event::attributes() has them.
template <typename Take>
void for_each_attribute(std::string_view attributes, Take take) {
    while (!attributes.empty()) {
        const std::string_view one = attributes.substr(0, attributes.find('\0'));
        attributes.remove_prefix(std::min(one.size() + 1, attributes.size()));
        const auto equals = one.find('=');
        if (equals != 0 && equals != std::string_view::npos) {
            take(one.substr(0, equals), one.substr(equals + 1));
        }
    }
}

}  // namespace drainpipe
