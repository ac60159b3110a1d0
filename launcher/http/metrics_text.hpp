#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drainpipe {

// Metrics in the text format of Prometheus, version 0.0.4: a family after the other, each with what
// it means, its type and its samples.
class MetricsText {
  public:
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

    enum class Type { counter, gauge, histogram };

    struct Label {
        std::string_view name;
        std::string_view value;  // any text
    };
    using Labels = std::vector<Label>;

    // A whole number is exact however large it is.
    class Value {
      public:
        Value(std::integral auto value) : text_(std::to_string(value)) {}
        Value(std::floating_point auto value) : text_(text_of(value)) {}

        const std::string& text() const { return text_; }

      private:
        static std::string text_of(double value);

        std::string text_;
    };

    struct Histogram {
        struct Bucket {
            double at_most;
            std::uint64_t count;  // of it alone, not of those before it
        };

        std::vector<Bucket> buckets;  // rising
        std::uint64_t above;          // the last of them
        double sum;                   // of all that was counted
    };

    // With a label that every sample has.
    explicit MetricsText(const Label& common);

    // Begins a family; its samples follow, with labels that tell them apart.
    void family(std::string_view name, Type type, std::string_view help);
    void sample(const Labels& labels, const Value& value);

    // A family of one sample.
    void counter(std::string_view name, std::string_view help, const Value& value);
    void gauge(std::string_view name, std::string_view help, const Value& value);
    void histogram(std::string_view name, std::string_view help, const Histogram& histogram);

    const std::string& text() const { return text_; }

  private:
    void line(std::string_view suffix, const Labels& labels, const Value& value);

    std::string common_;  // as it stands between the braces
    std::string name_;    // of the family
    std::string text_;
};

}  // namespace drainpipe
