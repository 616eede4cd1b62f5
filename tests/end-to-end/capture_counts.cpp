// capture_counts FILE…: what we see in captures, a line of JSON each, for comparison with other readers.
#include <cstdio>

#include <fmt/format.h>

#include "capture/capture_reader.h"
#include "capture/evidence.h"

using namespace badorigin::capture;

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        manifest about;
        about.evidence = evidence_kind::file;
        const auto all = read_capture(argv[i], about);
        auto reader = capture_reader::open(argv[i]);
        if (!all || !reader) {
            fmt::print(stderr, "{}\n", all ? reader.error() : all.error());
            return 2;
        }
        std::size_t requests = 0, responses = 0, retransmissions = 0, holed = 0, cut = 0, malformed = 0;
        for (const auto& e : all->exchanges) {
            requests += e->request && e->request->message.header_complete ? 1 : 0;
            responses += e->interim.size() + (e->response && e->response->message.header_complete ? 1 : 0);
        }
        for (const auto& c : all->connections) {
            retransmissions += c->retransmissions;
            holed += c->holes.empty() ? 0 : 1;
        }
        while (const auto packet = reader->next()) {
            tcp_segment tcp;
            udp_datagram udp;
            cut += packet->data.size() < packet->original_length ? 1 : 0;
            malformed += decode(*packet, tcp, udp) == decoded::damaged ? 1 : 0;
        }
        fmt::print(
            "{{\"frames\": {}, \"connections\": {}, \"requests\": {}, \"responses\": {}, \"retransmissions\": {}, \"holed\": {}, "
            "\"cut\": {}, \"malformed\": {}, \"broken\": {}}}\n",
            all->frames, all->connections.size(), requests, responses, retransmissions, holed, cut, malformed, reader->losses().places);
    }
    return 0;
}
