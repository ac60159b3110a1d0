#include "source_points.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace drainpipe::test {
namespace {

// What looks like a store without a point and needs none.
struct Exception {
    std::string_view file;
    std::string_view code;
    std::string_view reason;
};
constexpr auto kExceptions = std::to_array<Exception>({
    {"segment_run.cpp", "::pthread_mutex_init(&lock", "make_lock() is called behind a point"},
});

std::string exception_of(const std::string& file, const std::string& code) {
    const auto found = std::ranges::find_if(kExceptions, [&](const Exception& exception) {
        return exception.file == file && code.find(exception.code) != std::string::npos;
    });
    return found != kExceptions.end() ? std::string(found->reason) : "";
}

bool is_point(const Statement& statement) {
    return statement.code == "FaultPoint::here().reached();";
}

// The stores of one file, statement by statement.
class Scan {
  public:
    Scan(const SourceFile& file, SharedNames& names) : file_(file), names_(names) {}

    std::vector<SourceStore> stores() {
        const Statement* before = nullptr;
        for (const Statement& statement : file_.statements()) {
            if (statement.ends_function()) {
                names_.forget_locals();
                points_of_function_.clear();
            }
            names_.learn(statement.code);
            for (const StoreShape& shape : stores_in(statement.code, names_)) {
                add(statement, before, shape);
            }
            if (is_point(statement)) {
                points_of_function_.insert(point_at(statement.first_line));
            }
            before = &statement;
        }
        return stores_;
    }

  private:
    std::string point_at(std::size_t line) const {
        return file_.name() + ":" + std::to_string(line);
    }

    void add(const Statement& statement, const Statement* before, const StoreShape& shape) {
        SourceStore store{.where = point_at(statement.first_line),
                          .code = statement.code,
                          .shape = shape,
                          .covering = {},
                          .has_callers_point = before && before->code == "point.reached();",
                          .exception = exception_of(file_.name(), statement.code)};
        if (shape.is_of_ledger) {
            store.covering = points_of_function_;
        }
        if (before && is_point(*before)) {
            store.covering.insert(point_at(before->first_line));
        }
        for (std::size_t line = statement.first_line; line <= statement.last_line; ++line) {
            store.covering.insert(point_at(line));
        }
        stores_.push_back(store);
    }

    const SourceFile& file_;
    SharedNames& names_;
    std::set<std::string> points_of_function_;
    std::vector<SourceStore> stores_;
};

}  // namespace

bool SourceStore::is_covered_by(const std::set<std::string>& reached) const {
    const auto is_reached = [&](const std::string& point) { return reached.contains(point); };
    const auto is_of_ledger_change = [](const std::string& point) {
        return point.starts_with("ledger_change.cpp:");
    };
    return has_callers_point || std::ranges::any_of(covering, is_reached) ||
           (shape.is_of_ledger && std::ranges::any_of(reached, is_of_ledger_change));
}

SharedNames names_in_sources(const std::string& shm_folder) {
    SharedNames names;
    for (const SourceFile& file : source_files(shm_folder)) {
        for (const Statement& statement : file.statements()) {
            names.learn(statement.code);
            names.forget_locals();
        }
    }
    return names;
}

std::vector<SourceStore> stores_in_file(const SourceFile& file, SharedNames names) {
    return Scan(file, names).stores();
}

std::vector<SourceStore> stores_in_sources(const std::string& folder, const SharedNames& names) {
    std::vector<SourceStore> stores;
    for (const SourceFile& file : source_files(folder)) {
        const std::vector<SourceStore> of_file = stores_in_file(file, names);
        stores.insert(stores.end(), of_file.begin(), of_file.end());
    }
    return stores;
}

}  // namespace drainpipe::test
