// What the driver tests share.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy-under-test/drivers/driver.h"
#include "proxy-under-test/drivers/process.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {

inline deadline in(milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}
/// "127.0.0.1:PORT" with a port that nobody has.
std::string free_address();
/// A connection, its reads bounded by five seconds; throws when there is none.
descriptor connect_to(const std::string& address);
/// Sends `text` and returns all that comes until `answer_end` was seen or the connection closed.
std::string converse(const std::string& address, const std::string& text, const std::string& answer_end);
/// The message of the set_up_error that `action` throws; empty if it throws none.
template <class Action>
std::string complaint_of(Action action) {
    try {
        action();
    } catch (const set_up_error& error) { return error.what(); }
    return {};
}
bool exists(const std::string& path);

/// An origin of a few lines: answers each request with 200 and "answer N".
class small_origin {
public:
    small_origin();
    ~small_origin();
    const std::string& address() const { return address_; }
    int requests() const { return requests_; }

private:
    void serve();

    std::string address_;
    descriptor listener_;
    std::atomic<int> requests_ = 0;
    std::thread thread_;
};

}  // namespace badorigin::drivers
