#pragma once

#include <string>
#include <vector>

#include "page.hpp"
#include "run_history.hpp"

namespace drainpipe {

// The same as the page, as text of at most 80 columns, all of it ASCII but for what is a user's.
std::string table_of(const std::vector<const RunHistory*>& runs, const LogRead& read);

}  // namespace drainpipe
