// yaml-cpp builds trees that share what aliases name, so a few lines can stand for gigabytes, and its parser recurses once a level. Both
// are measured from the parser's events before a tree is built: each anchor's weight is what it stands for with the aliases inside it
// followed, and an alias adds it again.
#include "harness/scenario/document.h"

#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

namespace badorigin::scenario {

namespace {

struct refused {
    YAML::Mark at;
    std::string why;
};

class guard : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark& at) override { begin_ = at; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override { leaf(at, anchor, 0); }
    void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
        leaf(at, anchor, value.size());
    }
    void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
        const auto found = weights_.find(anchor);
        if (found == weights_.end()) throw refused{at, "an alias must not stand inside what it names"};
        add(at, found->second);
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
        open(at, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
        open(at, anchor);
    }
    void OnMapEnd() override { close(); }
    const YAML::Mark& begin() const { return begin_; }

private:
    static constexpr std::uint64_t node_weight = 16;
    struct level {
        YAML::anchor_t anchor;
        std::uint64_t before;
    };

    void add(const YAML::Mark& at, std::uint64_t weight) {
        total_ += weight;
        if (total_ > largest_expansion) throw refused{at, "the aliases of this file stand for more than 16 MiB"};
    }
    void leaf(const YAML::Mark& at, YAML::anchor_t anchor, std::size_t size) {
        add(at, node_weight + size);
        if (anchor != 0) weights_[anchor] = node_weight + size;
    }
    void open(const YAML::Mark& at, YAML::anchor_t anchor) {
        open_.push_back({anchor, total_});
        if (open_.size() > static_cast<std::size_t>(deepest_nesting))
            throw refused{at, fmt::format("nested deeper than {} levels", deepest_nesting)};
        add(at, node_weight);
    }
    void close() {
        const auto [anchor, before] = open_.back();
        open_.pop_back();
        if (anchor != 0) weights_[anchor] = total_ - before;
    }

    std::map<YAML::anchor_t, std::uint64_t> weights_;
    std::vector<level> open_;
    std::uint64_t total_ = 0;
    YAML::Mark begin_;
};

problem at_mark(const std::string& file, const YAML::Mark& mark, std::string message) {
    return {{file, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1}, std::move(message)};
}

}  // namespace

std::expected<YAML::Node, problem> load_document(std::string_view text, const std::string& file) {
    if (text.size() > largest_file) return std::unexpected(problem{{file, 1, 1}, "larger than 1 MiB; a scenario states one claim"});
    try {
        std::istringstream input{std::string{text}};
        YAML::Parser parser{input};
        guard weights;
        if (!parser.HandleNextDocument(weights))
            return std::unexpected(problem{{file, 1, 1}, "the file is empty; expected a mapping with claim and steps"});
        if (guard second; parser.HandleNextDocument(second))
            return std::unexpected(at_mark(file, second.begin(), "a second document; a file holds one scenario"));
        return YAML::Load(std::string{text});
    } catch (const refused& why) { return std::unexpected(at_mark(file, why.at, why.why)); } catch (const YAML::Exception& wrong) {
        auto message = fmt::format("not YAML: {}", wrong.msg);
        if (wrong.msg.find("anchor") != std::string::npos || wrong.msg.find("alias") != std::string::npos) {
            message += "; text that begins with * or & needs quotes";
        } else if (wrong.msg.find("map") != std::string::npos || wrong.msg.find("end of") != std::string::npos) {
            message += "; text with a colon and a blank, or with braces, needs quotes";
        }
        return std::unexpected(at_mark(file, wrong.mark, std::move(message)));
    } catch (const std::exception& wrong) {
        return std::unexpected(problem{{file, 1, 1}, fmt::format("cannot be read as YAML: {}", wrong.what())});
    }
}

}  // namespace badorigin::scenario
