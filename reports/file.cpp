#include "reports/file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

namespace badorigin::report {

std::expected<void, std::string> write_file(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) return std::unexpected(fmt::format("{}: {}", file, errno ? std::strerror(errno) : "cannot be written"));
    return {};
}

}  // namespace badorigin::report
