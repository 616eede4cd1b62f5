#include "harness/stage/witness.h"

#include <chrono>
#include <map>
#include <utility>

#include "capture/recorder.h"
#include "capture/tap.h"
#include "harness/stage/stage.h"

namespace badorigin::stage {

using namespace std::chrono_literals;

namespace {

/// A machine at many times its load takes seconds to run the capture's thread; only a capture that shows nothing takes this long.
constexpr auto patience = 30s;

class live_witness final : public witness {
public:
    /// The marker socket is made in the network namespace in which the capture was opened.
    live_witness(std::unique_ptr<capture::recorder> recorder, const std::string& nonce) : recorder_(std::move(recorder)), markers_(nonce) {}

    std::uint32_t mark(const capture::marker& what) override { return markers_.send(what); }
    bool has_seen(std::uint32_t number) override { return recorder_->wait_for_marker(number, patience); }
    std::string error() const override { return recorder_->error(); }
    result stop() override {
        const auto end = recorder_->stop();
        return {end.kernel_drops, end.error};
    }

private:
    std::unique_ptr<capture::recorder> recorder_;
    capture::marker_sender markers_;
};

/// A connection is known by our end and the other's; what happened after its end (a close behind a reset) is no news.
class socket_notes {
public:
    explicit socket_notes(std::shared_ptr<capture::tap> tap) : tap_(std::move(tap)) {}

    void opened(const std::string& local, const std::string& remote, bool we_connected) {
        capture::endpoint ours, theirs;
        if (!capture::endpoint::parse(local, ours) || !capture::endpoint::parse(remote, theirs)) return;
        const auto id = we_connected ? tap_->opened(ours, theirs) : tap_->opened(theirs, ours);
        known_.insert_or_assign({local, remote}, one{id, we_connected});
    }
    void data(const std::string& local, const std::string& remote, bool sent, std::string_view bytes) {
        if (const auto* c = find(local, remote)) tap_->data(c->id, c->side(sent), bytes);
    }
    void ended(const std::string& local, const std::string& remote, bool sent, bool reset) {
        const auto* c = find(local, remote);
        if (!c) return;
        if (!reset) return tap_->fin(c->id, c->side(sent));
        tap_->rst(c->id, c->side(sent));
        known_.erase({local, remote});
    }

private:
    struct one {
        capture::tap::connection_id id;
        bool we_connected;
        http::direction side(bool sent) const { return sent == we_connected ? http::direction::request : http::direction::response; }
    };
    const one* find(const std::string& local, const std::string& remote) const {
        const auto found = known_.find({local, remote});
        return found == known_.end() ? nullptr : &found->second;
    }
    std::shared_ptr<capture::tap> tap_;
    std::map<std::pair<std::string, std::string>, one> known_;
};

class tap_witness final : public witness {
public:
    tap_witness(std::shared_ptr<capture::tap> tap, std::string nonce) : tap_(std::move(tap)), nonce_(std::move(nonce)) {}

    std::uint32_t mark(const capture::marker& what) override { return tap_->mark(what, nonce_); }
    bool has_seen(std::uint32_t) override { return true; }  // it wrote the marker itself
    std::string error() const override { return tap_->error(); }
    result stop() override {
        tap_->flush();
        return {0, tap_->error()};
    }

private:
    std::shared_ptr<capture::tap> tap_;
    std::string nonce_;
};

}  // namespace

std::unique_ptr<witness> make_live_witness(const std::string& file, const std::string& filter, const std::string& nonce) {
    capture::recorder_settings about;
    about.file = file;
    about.filter = filter;
    about.nonce = nonce;
    auto begun = capture::recorder::start(about);
    if (!begun) throw run_error(begun.error().message);
    return std::make_unique<live_witness>(std::move(*begun), nonce);
}

tapped make_tap_witness(const std::string& file, const std::string& nonce) {
    auto made = capture::tap::create(file);
    if (!made) throw run_error("evidence could not be written: " + made.error());
    const std::shared_ptr<capture::tap> tap = std::move(*made);
    const auto notes = std::make_shared<socket_notes>(tap);
    tapped all;
    all.packets = std::make_unique<tap_witness>(tap, nonce);
    all.watch.opened = [notes](const std::string& local, const std::string& remote, bool we_connected) {
        notes->opened(local, remote, we_connected);
    };
    all.watch.data = [notes](const std::string& local, const std::string& remote, bool sent, const char* bytes, std::size_t size) {
        notes->data(local, remote, sent, {bytes, size});
    };
    all.watch.ended = [notes](const std::string& local, const std::string& remote, bool sent, bool reset) {
        notes->ended(local, remote, sent, reset);
    };
    return all;
}

}  // namespace badorigin::stage
