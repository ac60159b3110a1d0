#include "source_points.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace drainpipe::test {
namespace {

// How the code writes to the segment. Words, the bells' counts, and the plain parts that a Word
// covers.
constexpr auto kStores = std::to_array<std::string_view>({".store(",
                                                          ".add(",
                                                          ".fetch_add(",
                                                          ".fetch_or(",
                                                          "awaited_.exchange(",
                                                          "slot = {",
                                                          ".slot(event) =",
                                                          "std::memcpy(seg",
                                                          "copy_payload(seg",
                                                          "std::memcpy(&ledger_",
                                                          "std::memset(attempts_",
                                                          ".fill(",
                                                          ".set(",
                                                          "attempts = static",
                                                          "attempts(event) =",
                                                          "ledger = Ledger{}",
                                                          "header.magic =",
                                                          "header.header_bytes =",
                                                          "header.shape =",
                                                          "header.settings =",
                                                          "make_lock(header"});

bool is_store(std::string_view line) {
    return std::any_of(kStores.begin(), kStores.end(), [line](std::string_view store) {
        return line.find(store) != std::string_view::npos;
    });
}

std::string trimmed(const std::string& line) { return line.substr(line.find_first_not_of(' ')); }

}  // namespace

bool SourceStore::is_covered_by(const std::set<std::string>& reached) const {
    return std::any_of(covering.begin(), covering.end(),
                       [&](const std::string& point) { return reached.contains(point); });
}

std::vector<SourceStore> stores_in_sources(const std::string& folder) {
    std::vector<SourceStore> stores;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".cpp") {
            continue;
        }
        const std::string name = entry.path().filename().string();
        std::ifstream file(entry.path());
        std::size_t number = 0;
        for (std::string line; std::getline(file, line);) {
            ++number;
            if (is_store(line)) {
                const auto point = [&](std::size_t at) { return name + ":" + std::to_string(at); };
                stores.push_back(
                    {point(number), trimmed(line), {point(number - 1), point(number)}});
            }
        }
    }
    return stores;
}

}  // namespace drainpipe::test
