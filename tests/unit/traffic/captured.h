// Evidence made by hand: a proxy's client leg and its origin leg, exchange by exchange.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "http/running_hash.h"

namespace badorigin::traffic::testing_captured {

using std::chrono::nanoseconds;

/// 2026-11-22T12:00:00Z
inline constexpr nanoseconds noon = std::chrono::seconds(1'795'348'800);

struct said {
    int status = 200;  ///< 0: nothing
    http::fields fields = {};
    std::string body = {};
};

class captured {
public:
    capture::evidence evidence;

    http::fields asked_with;  ///< fields of the requests that follow, beside Host

    /// A client's exchange on a connection of its own unless `connection` names one.
    std::size_t ask(std::string method, std::string target, nanoseconds from, nanoseconds to, const said& answer, std::string token = {},
                    const std::string& connection = {}) {
        const auto e = make(capture::leg::client, std::move(method), std::move(target), from, to, answer, connection);
        e->token = std::move(token);
        capture::transaction t;
        t.client = e;
        evidence.transactions.push_back(std::move(t));
        return evidence.transactions.size() - 1;
    }
    /// An origin's, asked on behalf of the client's.
    void fetch(std::size_t client, std::string target, nanoseconds from, nanoseconds to, const said& answer) {
        const auto e = make(capture::leg::origin, evidence.transactions[client].client->request->message.method, std::move(target), from,
                            to, answer, {});
        evidence.transactions[client].fetches.push_back({{e}, capture::confidence::certain, "token"});
    }

private:
    capture::frame_ref frame(nanoseconds at) {
        return {static_cast<capture::frame_number>(at / std::chrono::milliseconds(1)) + 1, noon + at};
    }

    std::shared_ptr<capture::exchange> make(capture::leg on, std::string method, std::string target, nanoseconds from, nanoseconds to,
                                            const said& answer, const std::string& name) {
        auto e = std::make_shared<capture::exchange>();
        auto& link = kept_[name];
        if (name.empty() || !link) {
            link = std::make_shared<capture::connection>();
            link->id = ++connections_;
            link->leg = on;
            link->server_name = on == capture::leg::origin ? "origin:10.0.0.2:80" : "proxy";
            link->opened = link->last = frame(from);
            evidence.connections.push_back(link);
        }
        ++link->exchanges;
        link->client_fin = frame(to + std::chrono::milliseconds(1));
        e->on = link;
        e->request.emplace();
        auto& asked = e->request->message;
        asked.method = std::move(method);
        asked.target = std::move(target);
        asked.fields = asked_with;
        asked.fields.push_back({"Host", "shop.test", 0});
        asked.header_complete = asked.complete = true;
        e->request->first = e->request->header_end = e->request->last = frame(from);
        if (answer.status != 0) {
            e->response.emplace();
            auto& m = e->response->message;
            m.side = http::direction::response;
            m.status = answer.status;
            m.fields = answer.fields;
            m.header_complete = m.complete = true;
            m.framing = http::framing::length;
            m.declared_length = m.content_size = answer.body.size();
            m.content_hash = http::hash(answer.body);
            m.content_start = answer.body;
            e->response->first = e->response->header_end = e->response->last = frame(to);
        }
        evidence.exchanges.push_back(e);
        return e;
    }

    std::map<std::string, std::shared_ptr<capture::connection>> kept_;
    std::uint64_t connections_ = 0;
};

}  // namespace badorigin::traffic::testing_captured
