#pragma once

#include <filesystem>

#include "failure.hpp"

namespace drainpipe {

// `launcher report`: a picture of what a log says of a run.
struct ReportRequest {
    std::filesystem::path log;      // or the folder that holds an info.log
    std::filesystem::path picture;  // to be written
    bool all_runs;                  // else the last one that began
};

// Reads the log, writes the picture (a page of HTML; a picture in SVG of the last run where its
// name ends with .svg) and prints the same as a table on standard output. The picture takes the
// place of what had its name when it is whole, with its mode and behind links: never a part of it
// is there. Memory does not grow with the log.
//
// Throws Failure: usage where the picture would replace the log that is read, or another one;
// unavailable where there is no such log, data where no run is in it, no_permission
// and io where it can't be read; no_permission, system, cannot_create and io where the picture
// can't be written; io where the table can't. The picture is there before the table is printed.
ExitCode report(const ReportRequest& request);

}  // namespace drainpipe
