#include "proxy-under-test/cache/transaction_log.h"

#include <stdexcept>

namespace badorigin::cache {

log_file::log_file(const std::string& path) {
    if (path.empty()) return;
    file_ = std::fopen(path.c_str(), "ae");
    if (!file_) throw std::runtime_error("Cannot write the log " + path);
}
log_file::~log_file() {
    if (file_) std::fclose(file_);
}

void log_file::write(std::string_view records) {
    if (!file_) return;
    std::fwrite(records.data(), 1, records.size(), file_);
    std::fflush(file_);
}

transaction_log::transaction_log(log_file& to, std::uint64_t xid, std::string_view begin) : to_(to), xid_(xid) {
    add("Begin", begin);
}

void transaction_log::add(std::string_view tag, std::string_view value) {
    if (!to_.wanted() || ended_) return;
    records_ += std::to_string(xid_);
    records_.append(1, ' ').append(tag);
    if (!value.empty()) records_.append(1, ' ').append(value);
    records_ += '\n';
}

void transaction_log::add_fields(std::string_view tag, const field_list& fields) {
    if (!to_.wanted()) return;
    for (const auto& [name, value] : fields) add(tag, name + ": " + value);
}

void transaction_log::end() {
    if (ended_) return;
    add("End", "");
    ended_ = true;
    to_.write(records_);
}

}  // namespace badorigin::cache
