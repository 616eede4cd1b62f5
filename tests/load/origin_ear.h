// Listens to what origins receive: a body that arrives as whole must be the one that was sent.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fake-backends/engine.h"
#include "http/reader.h"

namespace badorigin::load {

class origin_ear {
public:
    origin_ear();
    ~origin_ear();
    /// For the engine whose origins are listened to. The ear must live as long.
    peers::socket_watch watch();

    std::size_t requests() const { return requests_; }
    std::size_t bodies() const { return bodies_; }  ///< that came whole, and were compared
    /// Sentences.
    std::vector<std::string>& complaints() { return complaints_; }

private:
    class connection;
    std::map<std::string, std::unique_ptr<connection>> open_;
    std::size_t requests_ = 0, bodies_ = 0;
    std::vector<std::string> complaints_;
};

}  // namespace badorigin::load
