// Small text helpers of the drivers.
#pragma once

#include <string>
#include <vector>

namespace badorigin::drivers {

/// Words of a command line: blanks separate, '…' and "…" and \ quote as in a shell; nothing is expanded. Throws set_up_error on an open
/// quote.
std::vector<std::string> split_command_line(const std::string& line);
/// The candidate that `word` was probably meant to be; empty if none is near.
std::string near_miss(const std::string& word, const std::vector<std::string>& candidates);
/// "install Debian's package varnish", for a program or a part of one; empty where unknown.
std::string where_to_get(const std::string& program);
std::string base_name(const std::string& path);
/// Throws set_up_error when it cannot be read or written.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

/// A short folder of our own under TMPDIR, removed with its owner: VSM paths have a length limit that a bundle's path may exceed.
class private_folder {
public:
    private_folder();
    private_folder(const private_folder&) = delete;
    private_folder& operator=(const private_folder&) = delete;
    ~private_folder();
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace badorigin::drivers
