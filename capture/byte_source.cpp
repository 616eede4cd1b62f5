#include "capture/byte_source.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace badorigin::capture {
namespace {

constexpr std::size_t input_size = 256u << 10;
constexpr std::size_t magic_size = 4;

enum class packing : std::uint8_t { none, gzip, zstd };

packing packing_of(std::string_view begin) {
    if (begin.size() < magic_size) return packing::none;
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(begin[i]); };
    if (at(0) == 0x1f && at(1) == 0x8b && at(2) == 8 && (at(3) & 0xe0) == 0) return packing::gzip;
    if (at(0) == 0x28 && at(1) == 0xb5 && at(2) == 0x2f && at(3) == 0xfd) return packing::zstd;
    if ((at(0) & 0xf0) == 0x50 && at(1) == 0x2a && at(2) == 0x4d && at(3) == 0x18) return packing::zstd;  // a frame to be skipped
    return packing::none;
}

struct unpacked {
    std::size_t taken = 0, made = 0;
    bool over = false;          // the member or frame ends here
    std::string_view why = {};  // damage; empty: none
};

/// Takes one member or frame apart.
class unpacker {
public:
    unpacker() = default;
    unpacker(const unpacker&) = delete;
    unpacker& operator=(const unpacker&) = delete;
    virtual ~unpacker() = default;
    virtual unpacked unpack(std::string_view in, char* out, std::size_t size) = 0;
    virtual std::string_view name() const = 0;
};

class gzip_unpacker final : public unpacker {
public:
    gzip_unpacker() { usable_ = inflateInit2(&stream_, MAX_WBITS + 16) == Z_OK; }
    ~gzip_unpacker() override {
        if (usable_) inflateEnd(&stream_);
    }
    unpacked unpack(std::string_view in, char* out, std::size_t size) override {
        if (!usable_) return {.why = "no memory to unpack it"};
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out);
        stream_.avail_out = static_cast<uInt>(size);
        const int code = inflate(&stream_, Z_NO_FLUSH);
        unpacked done{.taken = in.size() - stream_.avail_in, .made = size - stream_.avail_out, .over = code == Z_STREAM_END};
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) done.why = stream_.msg ? stream_.msg : "unknown error";
        return done;
    }
    std::string_view name() const override { return "gzip"; }

private:
    z_stream stream_{};
    bool usable_ = false;
};

class zstd_unpacker final : public unpacker {
public:
    zstd_unpacker() : stream_(ZSTD_createDStream()) {}
    ~zstd_unpacker() override { ZSTD_freeDStream(stream_); }
    unpacked unpack(std::string_view in, char* out, std::size_t size) override {
        if (!stream_) return {.why = "no memory to unpack it"};
        ZSTD_inBuffer from{in.data(), in.size(), 0};
        ZSTD_outBuffer to{out, size, 0};
        const std::size_t code = ZSTD_decompressStream(stream_, &to, &from);
        unpacked done{.taken = from.pos, .made = to.pos, .over = code == 0};
        if (ZSTD_isError(code)) done.why = ZSTD_getErrorName(code);
        return done;
    }
    std::string_view name() const override { return "zstd"; }

private:
    ZSTD_DStream* stream_;
};

std::unique_ptr<unpacker> unpacker_of(packing how) {
    if (how == packing::gzip) return std::make_unique<gzip_unpacker>();
    return std::make_unique<zstd_unpacker>();
}

}  // namespace

struct byte_source::state {
    int file = -1;
    std::vector<char> buffer;  // of a file
    std::string_view input;    // what is read and not yet used: of the buffer, or of the memory given
    std::uint64_t used = 0;    // bytes of the file before `input`
    std::uint64_t size = 0;
    bool at_end = false;  // of the file
    bool packed = false;
    std::unique_ptr<unpacker> open;  // the member or frame at hand
    bool more_inside = false;        // it may give more without more input
    std::string trouble;
    std::optional<std::uint64_t> went_on_at;

    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        if (file >= 0) ::close(file);
    }

    std::size_t read_file(char* into, std::size_t count) {
        while (!at_end) {
            const ssize_t got = ::read(file, into, count);
            if (got > 0) return static_cast<std::size_t>(got);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) trouble = fmt::format("reading failed at byte {}: {}", used + input.size(), std::strerror(errno));
            at_end = true;
        }
        return 0;
    }
    /// Tries to have at least `count` bytes of input.
    bool need(std::size_t count) {
        while (input.size() < count && !at_end) {
            buffer.resize(input_size);
            if (!input.empty()) std::memmove(buffer.data(), input.data(), input.size());
            const std::size_t got = read_file(buffer.data() + input.size(), buffer.size() - input.size());
            input = {buffer.data(), input.size() + got};
        }
        return input.size() >= count;
    }
    void use(std::size_t count) {
        input.remove_prefix(count);
        used += count;
    }

    std::size_t read_plain(char* into, std::size_t count) {
        if (input.empty()) {
            const std::size_t got = read_file(into, count);
            used += got;
            return got;
        }
        count = std::min(count, input.size());
        std::memcpy(into, input.data(), count);
        use(count);
        return count;
    }

    std::size_t read_packed(char* into, std::size_t count) {
        while (trouble.empty()) {
            if (!open && !begin_member()) return 0;
            if (!more_inside && !need(1)) {
                if (trouble.empty()) trouble = fmt::format("the {} data end too early, at byte {} of the file", open->name(), used);
                return 0;
            }
            const unpacked done = open->unpack(input, into, count);
            const bool stuck = done.taken == 0 && done.made == 0 && !done.over && !more_inside;
            use(done.taken);
            more_inside = done.made == count;
            if (!done.why.empty() || stuck)
                trouble = fmt::format("the {} data are damaged at byte {} of the file ({})", open->name(), used,
                                      done.why.empty() ? "nothing comes out" : done.why);
            if (done.over || !trouble.empty()) {
                open.reset();
                more_inside = false;
            }
            if (done.made > 0) return done.made;
        }
        return 0;
    }
    bool begin_member() {
        if (!need(1)) return false;
        need(magic_size);
        const packing how = packing_of(input);
        if (how == packing::none) {
            if (trouble.empty()) trouble = fmt::format("what stands at byte {} of the file is neither gzip nor zstd", used);
            return false;
        }
        open = unpacker_of(how);
        return true;
    }
};

byte_source::byte_source(std::unique_ptr<state> s) : state_(std::move(s)) {}
byte_source::byte_source(byte_source&&) noexcept = default;
byte_source& byte_source::operator=(byte_source&&) noexcept = default;
byte_source::~byte_source() = default;

std::expected<byte_source, std::string> byte_source::open(const std::string& file) {
    auto s = std::make_unique<state>();
    s->file = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (s->file < 0) return std::unexpected(file + ": " + std::strerror(errno));
    struct stat about{};
    if (::fstat(s->file, &about) == 0 && S_ISREG(about.st_mode)) s->size = static_cast<std::uint64_t>(about.st_size);
    s->need(magic_size);
    s->packed = packing_of(s->input) != packing::none;
    return byte_source(std::move(s));
}

byte_source byte_source::from_memory(std::string_view bytes) {
    auto s = std::make_unique<state>();
    s->input = bytes;
    s->size = bytes.size();
    s->at_end = true;
    s->packed = packing_of(bytes) != packing::none;
    return byte_source(std::move(s));
}

std::size_t byte_source::read(char* into, std::size_t size) {
    return state_->packed ? state_->read_packed(into, size) : state_->read_plain(into, size);
}

bool byte_source::go_on(std::uint64_t& skipped) {
    state& s = *state_;
    const std::uint64_t from = s.used;
    if (!s.packed || s.trouble.empty()) return false;
    if (s.went_on_at == s.used && s.need(1)) s.use(1);  // what was found here before was none
    while (s.need(magic_size) && packing_of(s.input) == packing::none) s.use(1);
    if (s.input.size() < magic_size) s.use(s.input.size());
    skipped = s.used - from;
    if (s.input.empty()) return false;
    s.went_on_at = s.used;
    s.trouble.clear();
    return true;
}

const std::string& byte_source::trouble() const {
    return state_->trouble;
}
bool byte_source::packed() const {
    return state_->packed;
}
std::uint64_t byte_source::position() const {
    return state_->used;
}
std::uint64_t byte_source::size() const {
    return state_->size;
}

}  // namespace badorigin::capture
