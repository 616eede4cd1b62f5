// The connections of clients, of which there may be so many.
//
// Where one more comes, the kept connection that has waited longest for its next request is closed; it costs its client nothing but a
// handshake. Where all are at work, or have not asked yet, the newcomer stays in the kernel's queue until there is room, as it does behind
// HAProxy: that costs no memory of ours, and a slow peer cannot push out one that is being served. Who is silent from the start, or slow,
// has its place for as long as its time for a request lasts.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "proxy-under-test/cache/connection.h"

namespace badorigin::cache {

class client_list {
public:
    explicit client_list(clock& time) : time_(time) {}

    std::size_t most = 0;
    std::size_t open() const { return open_; }
    std::uint64_t gave_way() const { return gave_way_; }
    /// Somebody in the kernel's queue waits for another to end.
    bool crowded() const { return held_up_ > 0; }

    /// Until there may be one more.
    awaitable<void> room();
    /// The system has no descriptor for one more: until that may have changed.
    awaitable<void> pause();

    /// A client's, from when it is accepted until it is closed.
    class place {
    public:
        place(client_list& among, connection& of);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        /// Waits for its next request: a newcomer's need may interrupt its read.
        void rest();
        void work();
        void gives_way() { ++among_.gave_way_; }

    private:
        friend class client_list;
        client_list& among_;
        connection& of_;
        std::list<place*> apart_{this};  ///< its node while it is not in the list of those that rest
        std::list<place*>::iterator self_ = apart_.begin();
        bool asked_ = false;
    };

private:
    void ask_one_to_go();
    awaitable<void> change(std::optional<nanoseconds> until);
    void tell_of_change();

    clock& time_;
    std::size_t open_ = 0;
    int held_up_ = 0;  ///< listeners that wait for room
    std::uint64_t gave_way_ = 0;
    std::list<place*> resting_;  ///< the first has rested longest
    std::vector<std::shared_ptr<std::function<void()>>> waiting_;
};

/// How many clients there may be: as many as are `wanted`, or 10,000 if nothing was said and there are descriptors for them. Raises the
/// process's own limit of descriptors; throws std::runtime_error with a sentence where the system does not allow as many as were wanted.
std::size_t provide_for_clients(std::optional<std::size_t> wanted);

}  // namespace badorigin::cache
