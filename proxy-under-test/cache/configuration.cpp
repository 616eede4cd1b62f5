#include "proxy-under-test/cache/configuration.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace badorigin::cache {

configuration_ptr load_configuration(const std::string& name, const std::string& file, vcl::builtin beneath) {
    std::ifstream in(file, std::ios::binary);
    std::error_code failed;
    if (!in || std::filesystem::is_directory(file, failed)) throw std::runtime_error("Cannot read the VCL file " + file);
    std::string source(std::istreambuf_iterator<char>(in), {});
    const auto directory = std::filesystem::path(file).parent_path().string();
    auto loaded = vcl::program::load(std::move(source), file, directory.empty() ? "." : directory, beneath);
    if (!loaded) {
        std::string all;
        for (const auto& error : loaded.error()) all += (all.empty() ? "" : "\n") + error.text();
        throw std::runtime_error(all);
    }
    return std::make_shared<configuration>(name, std::move(*loaded));
}

}  // namespace badorigin::cache
