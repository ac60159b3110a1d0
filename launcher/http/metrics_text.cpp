#include "metrics_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace drainpipe {
namespace {

std::string_view word_of(MetricsText::Type type) {
    switch (type) {
        case MetricsText::Type::counter:
            return "counter";
        case MetricsText::Type::gauge:
            return "gauge";
        case MetricsText::Type::histogram:
            return "histogram";
    }
    return "untyped";
}

// Quotes are escaped in the value of a label, and not in a help text.
std::string escaped_for_metrics(std::string_view text, bool has_quotes) {
    std::string result;
    for (const char each : text) {
        if (each == '\n') {
            result += "\\n";
        } else {
            if (each == '\\' || (each == '"' && has_quotes)) {
                result += '\\';
            }
            result += each;
        }
    }
    return result;
}

void append_labels(std::string& text, const MetricsText::Labels& labels) {
    for (const auto& [name, value] : labels) {
        text += text.empty() || text.back() == '{' ? "" : ",";
        text += name;
        text += "=\"" + escaped_for_metrics(value, true) + "\"";
    }
}

}  // namespace

std::string MetricsText::Value::text_of(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    std::array<char, 64> text;
    const double size = std::abs(value);
    const bool is_readable = size == 0 || (size >= 1e-9 && size < 1e15);
    const auto written =
        is_readable ? std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed)
                    : std::to_chars(text.begin(), text.end(), value);
    return {text.begin(), written.ptr};
}

MetricsText::MetricsText(const Label& common) { append_labels(common_, {common}); }

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + escaped_for_metrics(help, false) + "\n";
    text_ += "# TYPE " + name_ + " ";
    text_ += word_of(type);
    text_ += '\n';
}

void MetricsText::sample(const Labels& labels, const Value& value) { line("", labels, value); }

void MetricsText::counter(std::string_view name, std::string_view help, const Value& value) {
    family(name, Type::counter, help);
    sample({}, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, const Value& value) {
    family(name, Type::gauge, help);
    sample({}, value);
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            const Histogram& histogram) {
    family(name, Type::histogram, help);
    std::uint64_t count = 0;
    for (const auto& bucket : histogram.buckets) {
        count += bucket.count;
        line("_bucket", {{"le", Value(bucket.at_most).text()}}, count);
    }
    count += histogram.above;
    line("_bucket", {{"le", "+Inf"}}, count);
    line("_sum", {}, histogram.sum);
    line("_count", {}, count);
}

void MetricsText::line(std::string_view suffix, const Labels& labels, const Value& value) {
    std::string all = "{" + common_;
    append_labels(all, labels);
    text_ += name_;
    text_ += suffix;
    text_ += all + "} " + value.text() + "\n";
}

}  // namespace drainpipe
