#include "table.hpp"

#include <cstdio>

namespace drainpipe::bench {
namespace {

std::string number(double value) {
    char text[32];
    const int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

std::string shown(const Figure& figure) {
    if (figure.is_empty()) {
        return "not built";
    }
    return number(figure.median()) + " [" + number(figure.least()) + ".." + number(figure.most()) +
           "]";
}

const char* verdict(double ratio, const Target& target) {
    const auto reaches = [&](double bar) {
        return target.less_is_better ? ratio <= bar : ratio >= bar;
    };
    return reaches(target.aim) ? "aim" : reaches(target.at_least) ? "ok" : "SHORT";
}

}  // namespace

void Table::section(const std::string& title, const std::string& note) {
    std::printf("\n%s\n", title.c_str());
    if (!note.empty()) {
        std::printf("(%s)\n", note.c_str());
    }
    std::fflush(stdout);
}

void Table::compare(const std::string& what, const std::string& unit, const Figure& ours,
                    const std::string& peer_name, const Figure& peer, const Target& target) {
    std::printf("%-44s %-10s %-22s %-24s %-22s", what.c_str(), unit.c_str(), shown(ours).c_str(),
                peer_name.c_str(), shown(peer).c_str());
    if (!ours.is_empty() && !peer.is_empty()) {
        const double ratio = ratio_of(ours, peer).median();
        std::printf(" %6.2f  (%s %.1f, aim %.1f) %s", ratio,
                    target.less_is_better ? "at most" : "at least", target.at_least, target.aim,
                    verdict(ratio, target));
    }
    std::printf("\n");
    std::fflush(stdout);
}

void Table::state(const std::string& what, const std::string& unit, const Figure& figure,
                  const std::string& remark) {
    std::printf("%-44s %-10s %-22s %s\n", what.c_str(), unit.c_str(), shown(figure).c_str(),
                remark.c_str());
    std::fflush(stdout);
}

}  // namespace drainpipe::bench
