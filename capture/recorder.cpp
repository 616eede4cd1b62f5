// The ring is TPACKET_V3 with a block timeout: immediate mode would take a slot of 64 KiB for each packet. Loopback shows each
// packet twice, going out and coming in; the outgoing copy is switched off in the kernel, since filtering by direction lost packets.
#include "capture/recorder.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/capture_reader.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

namespace badorigin::capture {
namespace {

constexpr int snap_length = 262144;
constexpr std::size_t longest_marker = 4096;

struct close_capture {
    void operator()(pcap_t* p) const { pcap_close(p); }
};
using capture_handle = std::unique_ptr<pcap_t, close_capture>;

class live_recorder final : public recorder {
public:
    live_recorder(capture_handle capture, pcapng_writer writer, std::string nonce, bool in_nanoseconds, int wake)
        : capture_(std::move(capture)),
          writer_(std::move(writer)),
          nonce_(std::move(nonce)),
          in_nanoseconds_(in_nanoseconds),
          link_(static_cast<link_type>(pcap_datalink(capture_.get()))),
          wake_(wake),
          begun_(std::chrono::system_clock::now().time_since_epoch()),
          drops_before_(dropped()),
          thread_([this] { run(); }) {}

    ~live_recorder() override {
        stop();
        ::close(wake_);
    }

    bool wait_for_marker(std::uint32_t number, std::chrono::milliseconds deadline) override {
        std::unique_lock lock(mutex_);
        return seen_.wait_for(lock, deadline, [&] { return markers_.contains(number); });
    }

    result stop() override {
        if (thread_.joinable()) {
            const std::uint64_t one = 1;
            while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {}
            thread_.join();
        }
        const std::scoped_lock lock(mutex_);
        return {.frames = frames_, .kernel_drops = drops_, .error = error_};
    }

    std::string error() const override {
        const std::scoped_lock lock(mutex_);
        return error_;
    }

private:
    void run() {
        pollfd waits[2] = {{pcap_get_selectable_fd(capture_.get()), POLLIN, 0}, {wake_, POLLIN, 0}};
        constexpr int idle_ms = 100, last_block_ms = 20;
        bool stopping = false;
        std::chrono::steady_clock::time_point give_up;
        for (;;) {
            const int ready = ::poll(waits, stopping ? 1 : 2, stopping ? last_block_ms : idle_ms);
            if (ready < 0 && errno != EINTR) {
                fail(std::string("waiting for packets failed: ") + std::strerror(errno));
                break;
            }
            const int got = pcap_dispatch(capture_.get(), -1, &live_recorder::packet, reinterpret_cast<u_char*>(this));
            if (got < 0) {
                fail(std::string("capturing failed: ") + pcap_geterr(capture_.get()));
                break;
            }
            if (got == 0) writer_.flush();
            if (!writer_.error().empty()) fail(writer_.error());
            if (stopping && ((ready == 0 && got == 0) || std::chrono::steady_clock::now() > give_up)) break;
            if (!stopping && (waits[1].revents & POLLIN)) {
                // The kernel hands the last block over when its timeout passes: drain until nothing comes, though not for ever.
                stopping = true;
                give_up = std::chrono::steady_clock::now() + std::chrono::seconds(1);
            }
        }
        writer_.flush();
        if (!writer_.error().empty()) fail(writer_.error());
        const auto drops = dropped();
        const std::scoped_lock lock(mutex_);
        frames_ = writer_.written();
        drops_ = std::max(drops, drops_before_) - drops_before_;
    }

    /// So far. Until the filter is set, the ring takes whatever passes on a loopback that others use too; what was dropped then was not
    /// ours.
    std::uint64_t dropped() {
        pcap_stat stats{};
        if (pcap_stats(capture_.get(), &stats) == 0) return stats.ps_drop;
        fail(std::string("no statistics of the capture: ") + pcap_geterr(capture_.get()));
        return 0;
    }

    static void packet(u_char* self, const pcap_pkthdr* header, const u_char* bytes) {
        reinterpret_cast<live_recorder*>(self)->take(*header, {reinterpret_cast<const char*>(bytes), header->caplen});
    }

    void take(const pcap_pkthdr& header, std::string_view bytes) {
        raw_packet packet;
        packet.link = link_;
        packet.data = bytes;
        packet.original_length = header.len;
        packet.frame.time = std::chrono::seconds(header.ts.tv_sec) + nanoseconds(header.ts.tv_usec * (in_nanoseconds_ ? 1 : 1000));
        begins_ = begins_ && packet.frame.time < begun_;
        if (begins_) return;
        writer_.write(packet);
        if (bytes.size() < longest_marker) look_for_marker(packet);
    }

    void look_for_marker(const raw_packet& packet) {
        // Most packets are TCP; an IPv4 header on Ethernet says so at a fixed place, without decoding it all.
        constexpr std::size_t protocol_at = 23;
        if (link_ == link_type::ethernet && (packet.data.size() <= protocol_at || packet.data[protocol_at] != 17)) return;
        tcp_segment tcp;
        udp_datagram udp;
        if (decode(packet, tcp, udp) != decoded::udp || udp.to.port != marker_port) return;
        const auto m = marker::parse(udp.payload);
        if (!m || m->nonce != nonce_) return;
        const std::scoped_lock lock(mutex_);
        markers_.insert(m->number);
        seen_.notify_all();
    }

    void fail(std::string why) {
        const std::scoped_lock lock(mutex_);
        if (error_.empty()) error_ = std::move(why);
    }

    capture_handle capture_;
    pcapng_writer writer_;
    const std::string nonce_;
    const bool in_nanoseconds_;
    const link_type link_;
    const int wake_;
    mutable std::mutex mutex_;
    std::condition_variable seen_;
    std::set<std::uint32_t> markers_;
    std::string error_;
    std::uint64_t frames_ = 0, drops_ = 0;
    /// While the capture is set up, packets pass twice, unfiltered, or (as the filter is laid) not at all: what is older than this is left
    /// out, so that a connection has no hole where the capture begins.
    const nanoseconds begun_;
    bool begins_ = true;  ///< none came that is younger; a clock that is set back later loses nothing
    std::uint64_t drops_before_;
    std::thread thread_;  // last: it uses all of the above
};

std::unexpected<recorder::failure> failed(std::string why, bool permission = false) {
    return std::unexpected(recorder::failure{std::move(why), permission});
}

/// Where each packet passes twice; elsewhere what goes out passes once.
bool is_loopback(pcap_t* p, const std::string& interface) {
    ifreq request{};
    interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
    return ::ioctl(pcap_fileno(p), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK) != 0;
}

}  // namespace

std::expected<std::unique_ptr<recorder>, recorder::failure> recorder::start(const recorder_settings& settings) {
    const std::string where = "Capturing on " + settings.interface + " failed: ";
    char reason[PCAP_ERRBUF_SIZE] = "";
    capture_handle capture(pcap_create(settings.interface.c_str(), reason));
    pcap_t* p = capture.get();
    if (!p) return failed(where + reason);
    pcap_set_snaplen(p, snap_length);
    pcap_set_promisc(p, 0);
    // The kernel closes a block of 256 KiB whenever it has held a packet for so long, however empty it is: with 1 ms a machine that does
    // not run our thread for a quarter of a second uses up the 256 blocks of 64 MiB, and packets are lost that there was room for.
    pcap_set_timeout(p, 10);
    pcap_set_buffer_size(p, static_cast<int>(settings.ring_bytes));
    const bool in_nanoseconds = pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO) == 0;
    if (const int status = pcap_activate(p); status < 0) {
        const bool permission = status == PCAP_ERROR_PERM_DENIED;
        return failed(where + (permission ? "no permission" : pcap_statustostr(status)) + " (" + pcap_geterr(p) + ")", permission);
    }
    const int on = 1;
    if (is_loopback(p, settings.interface) && ::setsockopt(pcap_fileno(p), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
        return failed(where + "outgoing copies cannot be switched off (" + std::strerror(errno) + "; Linux 4.20 or later is needed)");
    if (!settings.filter.empty()) {
        bpf_program program{};
        if (pcap_compile(p, &program, settings.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
            return failed("the filter \"" + settings.filter + "\" is wrong: " + pcap_geterr(p));
        const int status = pcap_setfilter(p, &program);
        pcap_freecode(&program);
        if (status != 0) return failed(where + pcap_geterr(p));
    }
    if (pcap_setnonblock(p, 1, reason) != 0) return failed(where + reason);
    auto writer = pcapng_writer::create(settings.file, static_cast<link_type>(pcap_datalink(p)), snap_length);
    if (!writer) return failed(writer.error());
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) return failed(where + std::strerror(errno));
    return std::make_unique<live_recorder>(std::move(capture), std::move(*writer), settings.nonce, in_nanoseconds, wake);
}

}  // namespace badorigin::capture
