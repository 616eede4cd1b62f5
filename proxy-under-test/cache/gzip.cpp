#include "proxy-under-test/cache/gzip.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include <zlib.h>

namespace badorigin::cache {

namespace {
constexpr int gzip_window = 15 + 16;  // the largest window, in a gzip wrapping
constexpr std::size_t step = 64 * 1024;

void give(z_stream& to, std::string_view content) {
    to.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    to.avail_in = static_cast<uInt>(content.size());
}
template <class Run>
int turn(z_stream& stream, std::string& out, Run&& run) {
    const auto before = out.size();
    out.resize(before + step);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = step;
    const int result = run();
    out.resize(before + step - stream.avail_out);
    return result;
}
}  // namespace

std::string gzipped(std::string_view content) {
    z_stream stream{};
    if (deflateInit2(&stream, 6, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib has no memory");
    give(stream, content);
    std::string out;
    while (turn(stream, out, [&] { return deflate(&stream, Z_FINISH); }) == Z_OK) {}
    deflateEnd(&stream);
    return out;
}

std::expected<std::string, std::string> gunzipped(std::string_view content, std::uint64_t most) {
    z_stream stream{};
    if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::runtime_error("zlib has no memory");
    give(stream, content);
    std::string out;
    int result = Z_OK;
    while (result == Z_OK && out.size() <= most) {
        result = turn(stream, out, [&] { return inflate(&stream, Z_NO_FLUSH); });
        if (result == Z_STREAM_END && stream.avail_in > 0) result = inflateReset(&stream);  // several members, one behind the other
    }
    inflateEnd(&stream);
    if (out.size() > most) return std::unexpected("gzip content of more bytes than --largest-response allows");
    if (result != Z_STREAM_END) return std::unexpected("gzip content that is malformed or cut short");
    return out;
}

bool accepts_gzip(const field_list& request) {
    const auto said = request.joined("Accept-Encoding");
    std::optional<bool> named, any;
    for (const auto element : list_elements(said)) {
        const auto coding = trimmed(element.substr(0, element.find(';')));
        std::string weight = lower(element.substr(std::min(element.find(';'), element.size())));
        std::erase_if(weight, [](char c) { return c == ' ' || c == '\t'; });
        const bool wanted = !weight.starts_with(";q=0") || weight.find_first_of("123456789", 4) != std::string::npos;
        if (same_name(coding, "gzip") || same_name(coding, "x-gzip")) named = wanted;
        if (coding == "*") any = wanted;
    }
    return named.value_or(any.value_or(false));
}

}  // namespace badorigin::cache
