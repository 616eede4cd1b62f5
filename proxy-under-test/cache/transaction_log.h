// The log: a record a line, `<xid> Tag value`, the records of a transaction together and in order, as varnishlog groups them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

class log_file {
public:
    /// An empty path: nothing is kept. Throws std::runtime_error where it cannot be written.
    explicit log_file(const std::string& path);
    ~log_file();
    log_file(const log_file&) = delete;
    log_file& operator=(const log_file&) = delete;
    bool wanted() const { return file_ != nullptr; }
    void write(std::string_view records);

private:
    std::FILE* file_ = nullptr;
};

/// The records of one transaction; written when it ends.
class transaction_log {
public:
    transaction_log(log_file& to, std::uint64_t xid, std::string_view begin);
    ~transaction_log() { end(); }
    transaction_log(const transaction_log&) = delete;
    transaction_log& operator=(const transaction_log&) = delete;

    void add(std::string_view tag, std::string_view value);
    void add_fields(std::string_view tag, const field_list& fields);
    void end();

private:
    log_file& to_;
    std::uint64_t xid_;
    std::string records_;
    bool ended_ = false;
};

}  // namespace badorigin::cache
