// A request that code outside of the engine answers, in a thread of its own: a Python function, say.
//
// The loop must neither wait for that thread nor call it, and with virtual time the run is not at rest while that thread thinks. So the
// two meet in one small box under one lock: bytes in, operations out, and a count of those that think. A thread that waits in read() or
// sleep() does not think: it is the wire, or the clock, that has to go on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "fake-backends/framing.h"
#include "fake-backends/script.h"

namespace badorigin::peers {

namespace handed {

struct send {
    std::string bytes;
};
struct answer {
    peers::reply reply;
};
struct sleep {
    nanoseconds time{0};
};
struct close {};
struct reset {};
struct done {};

}  // namespace handed

using handed_operation = std::variant<handed::send, handed::answer, handed::sleep, handed::close, handed::reset, handed::done>;

class handover {
public:
    handover(std::string origin, std::string serial, request_facts asked, std::size_t index, std::shared_ptr<std::atomic<int>> thinking,
             std::function<void()> wake);
    ~handover();
    handover(const handover&) = delete;
    handover& operator=(const handover&) = delete;

    const std::string origin, serial;  ///< `serial` is what a Badorigin-Serial field of the answer should say
    const request_facts asked;
    const std::size_t index;  ///< of the request on its connection, from 0

    // For the answering thread.

    /// The next bytes of the request as they came, its request line first. Waits for them, at most `patience`: nothing, and nothing is
    /// lost. Empty: none will come, the request is whole or its connection has ended.
    std::optional<std::string> read(std::chrono::milliseconds patience);
    /// The connection has ended, or the run has.
    bool gone() const;
    void write(std::string bytes);
    /// As a script would answer, faults and serial included.
    void answer(reply what);
    void close();
    void reset();
    /// Waits on the run's clock, at most `patience` of real time; false: it is not over yet, call again with nothing.
    bool sleep(std::optional<nanoseconds> time, std::chrono::milliseconds patience);
    /// Must be called at last; the connection serves another request unless it was closed.
    void done();

    // For the loop's thread.

    void deliver(std::string_view bytes, bool ended);
    std::optional<handed_operation> next();
    bool has_next() const;
    void woke();     ///< a sleep is over
    void abandon();  ///< the connection has ended; what comes now is dropped

private:
    void put(handed_operation what);
    void thinks(bool on);

    mutable std::mutex lock_;
    std::condition_variable changed_;
    std::string inbox_;
    bool ended_ = false, gone_ = false, done_ = false, asleep_ = false, thinks_ = false;
    std::deque<handed_operation> operations_;
    std::shared_ptr<std::atomic<int>> thinking_;
    std::function<void()> wake_;  ///< makes the loop look; empty once abandoned
};

/// Takes a request; must not block.
using handover_taker = std::function<void(std::shared_ptr<handover>)>;

}  // namespace badorigin::peers
