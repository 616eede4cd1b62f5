// Live traffic, transaction by transaction.
#include <set>

#include "harness/judge/query.h"
#include "harness/live/live.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/driver.h"
#include "python/module/evidence.h"

namespace badorigin::python {

namespace {

class following {
public:
    following(live::settings asked, std::optional<judge::query> selects) : traffic_{std::move(asked)}, selects_{std::move(selects)} {}

    std::vector<transaction_of> look(double patience) {
        return fresh(traffic_.look(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(patience))));
    }
    std::vector<transaction_of> end() { return fresh(traffic_.end()); }
    std::uint64_t kernel_drops() const { return traffic_.kernel_drops(); }

private:
    /// Those that are over and were not given yet.
    std::vector<transaction_of> fresh(const std::shared_ptr<const live::view>& seen) {
        std::vector<transaction_of> out;
        if (!seen) return out;
        const std::shared_ptr<const capture::evidence> evidence(seen, &seen->evidence());
        const auto selected = selects_ ? std::optional(select(*evidence)) : std::nullopt;
        for (const auto& t : evidence->transactions) {
            const auto exchanges = live::exchanges_of(t);
            if (exchanges.empty() || !seen->over(exchanges)) continue;
            if (selected && !std::ranges::any_of(exchanges, [&](auto id) { return selected->contains(id); })) continue;
            if (given_.insert(live::key_of(*evidence->exchanges.at(exchanges.front() - 1))).second) out.push_back({evidence, &t});
        }
        return out;
    }
    std::unordered_set<std::uint64_t> select(const capture::evidence& evidence) const {
        auto groups = judge::group_records(evidence, judge::grouping::request);
        std::erase_if(groups, [&](const judge::record_group& g) { return !selects_->matches(g); });
        return judge::exchanges_in(groups);
    }

    live::follower traffic_;
    const std::optional<judge::query> selects_;
    std::set<std::string> given_;
};

/// What the library says of trouble, as the exception that Python knows.
template <class Exception, class Work>
auto telling(const Work& work) {
    py::gil_scoped_release others;
    try {
        return work();
    } catch (const std::runtime_error& e) { throw Exception(e.what()); }
}

}  // namespace

void bind_follow(py::module_& m) {
    py::class_<following>(m, "Following")
        .def(py::init([](const std::string& interface, const std::string& filter, const std::vector<std::string>& proxies,
                         const judge::query* selects) {
                 const auto query = selects ? std::optional(*selects) : std::nullopt;
                 return telling<drivers::set_up_error>(
                     [&] { return std::make_unique<following>(live::settings{interface, filter, proxies}, query); });
             }),
             py::arg("interface"), py::arg("filter"), py::arg("proxies"), py::arg("query").none(true))
        .def("look", [](following& f, double patience) { return telling<stage::run_error>([&] { return f.look(patience); }); })
        .def("end", [](following& f) { return telling<stage::run_error>([&] { return f.end(); }); })
        .def_property_readonly("kernel_drops", &following::kernel_drops);
}

}  // namespace badorigin::python
