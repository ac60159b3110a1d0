#pragma once

#include <string_view>

#include "layout.hpp"

namespace drainpipe {

// The partition of a payload, below kMaxConsumers: the same for all payloads with the same key,
// which is the field that the settings name. A payload without that field has the empty key. 0
// where events have no keys.
unsigned partition_of(std::string_view payload, const Settings& settings);

// The field of that number, from 1. A delimiter of -1 stands for white space: any number of blanks
// and tabs separates two fields, and none begins the first.
std::string_view field_of(std::string_view payload, std::uint32_t number, std::int32_t delimiter);

}  // namespace drainpipe
