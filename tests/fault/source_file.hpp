#pragma once

#include <cstddef>
#include <istream>
#include <string>
#include <vector>

namespace drainpipe::test {

// Lines that belong together: as many as it takes to close what brackets were opened, or to come to
// a block. Without comments, without what strings hold, with one blank where a line ended.
struct Statement {
    std::string code;
    std::size_t first_line;
    std::size_t last_line;
    bool is_indented;

    bool ends_function() const { return code.starts_with('}') && !is_indented; }
};

// A file of C++, as clang-format leaves it.
class SourceFile {
  public:
    SourceFile(std::string name, std::istream& text);

    const std::string& name() const { return name_; }  // without its folder
    const std::vector<Statement>& statements() const { return statements_; }

  private:
    void add_line(const std::string& line, std::size_t number);

    std::string name_;
    std::vector<Statement> statements_;
    int open_ = 0;  // brackets of the last statement
};

// The .cpp and .hpp files in the folder and below, in order.
std::vector<SourceFile> source_files(const std::string& folder);

}  // namespace drainpipe::test
