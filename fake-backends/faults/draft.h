// A response in the making, between the honest composition and the wire: what faults change.
//
// A fault has at most two hands: `shape` changes the message before it is rendered to bytes, `play` replaces how the bytes are
// delivered. Those that only shape are delivered like any honest response.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fake-backends/compile.h"
#include "fake-backends/script.h"
#include "fake-backends/wire_text.h"

namespace badorigin::peers {

struct draft {
    draft(const reply& the_script, const request_facts& the_request, std::string_view the_serial, bool is_reused)
        : script(the_script), asked(the_request), serial(the_serial), reused(is_reused) {}

    const reply& script;
    const request_facts& asked;
    std::string_view serial;
    bool reused;

    int status = 200;
    std::string version, reason;
    std::optional<std::string> start_line;  ///< instead of one made from version, status and reason
    field_lines lines;
    std::string content;
    enum class coding : unsigned char { length, chunked, until_close } framing = coding::length;
    chunk_style chunks;
    std::string_view line_end = "\r\n";
    bool head_sent = true;  ///< false: body alone
    bool frames = true;     ///< write Content-Length or Transfer-Encoding
    bool body_sent = true;
    bool announce_close = true;  ///< say so when the connection is not kept
    bool keep = true;
    std::optional<nanoseconds> idle_close;
    std::vector<int> interim;
    bool continue_expected = false;

    // Rendered:
    std::string head, body, tail;

    void set_status(int code);  ///< with its phrase and its framing
    void need_content();        ///< faults inside a body give a reply without one a generated body
    void render();              ///< fills head and body
    std::string whole() const { return head + body + tail; }
    /// What comes before the response: the request is read, interim responses are sent, the delay passes.
    std::vector<action> opening() const;
};

/// Honest composition: status, fields, framing, persistence, validation.
draft compose(const reply& script, const request_facts& asked, std::string_view serial, std::chrono::seconds date, bool reused);

using shape_hand = void (*)(draft&, const fault&);
using play_hand = void (*)(const draft&, const fault&, wire_program&);
/// Null where the fault has no such hand.
shape_hand shape_of(std::string_view id);
play_hand play_of(std::string_view id);

std::string interim_bytes(int status);

}  // namespace badorigin::peers
