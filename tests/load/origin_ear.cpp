#include "tests/load/origin_ear.h"

#include <fmt/format.h>

#include "tests/load/traffic_mix.h"

namespace badorigin::load {

class origin_ear::connection final : public http::reader_sink {
public:
    explicit connection(origin_ear& of) : of_(of) {}
    void feed(std::string_view bytes) { reader_.feed(bytes); }

private:
    void on_begin(http::stream_offset) override {}
    void on_header(const http::message&) override { ++of_.requests_; }
    void on_stray(http::stream_offset at, http::anomaly why) override {
        of_.complaints_.push_back(fmt::format("an origin received bytes that belong to no request, at {}: {}", at, name(why)));
    }
    void on_end(http::message&& whole) override {
        if (!whole.complete || whole.method != "POST") return;
        ++of_.bodies_;
        const auto sent = posted(whole.target).bytes();
        if (whole.content_size == sent.size() && whole.content_start == sent.substr(0, whole.content_start.size())) return;
        of_.complaints_.push_back(
            fmt::format("POST {}: {} bytes were sent, and {} arrived as the whole", whole.target, sent.size(), whole.content_size));
    }

    origin_ear& of_;
    http::reader reader_{http::direction::request, *this, {.keep_content = 1024 * 1024}};
};

origin_ear::origin_ear() = default;
origin_ear::~origin_ear() = default;

peers::socket_watch origin_ear::watch() {
    const auto key = [](const std::string& local, const std::string& remote) { return local + " " + remote; };
    peers::socket_watch watch;
    watch.opened = [this, key](const auto& local, const auto& remote, bool we_connected) {
        if (!we_connected) open_.insert_or_assign(key(local, remote), std::make_unique<connection>(*this));
    };
    watch.data = [this, key](const auto& local, const auto& remote, bool sent, const char* bytes, std::size_t size) {
        if (sent) return;
        if (const auto found = open_.find(key(local, remote)); found != open_.end()) found->second->feed({bytes, size});
    };
    watch.ended = [this, key](const auto& local, const auto& remote, bool sent, bool) {
        if (!sent) open_.erase(key(local, remote));
    };
    return watch;
}

}  // namespace badorigin::load
