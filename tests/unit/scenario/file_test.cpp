#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

namespace fs = std::filesystem;

class files : public testing::Test {
protected:
    files() : root_(fs::path{testing::TempDir()} / ("scenario-files-" + std::to_string(::getpid()))) { fs::remove_all(root_); }
    ~files() override { fs::remove_all(root_); }
    std::string put(const std::string& name, const std::string& text = "claim: c\nsteps: [{client: GET /}]\n") const {
        const auto path = root_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream{path} << text;
        return path.generic_string();
    }
    std::string root() const { return root_.generic_string(); }

private:
    fs::path root_;
};

TEST_F(files, id_is_the_path_below_the_root_without_ending) {
    const auto file = put("saint/keeps-away.yaml");
    const auto read = read_file(file, root(), time_mode::virtual_time);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id, "saint/keeps-away");
    EXPECT_EQ(read->file, file);
    EXPECT_EQ(read_file(file, root() + "/", time_mode::virtual_time)->id, "saint/keeps-away");
    EXPECT_EQ(read_file(file, root() + "/elsewhere", time_mode::virtual_time)->id, "keeps-away");
    EXPECT_EQ(read_file(file, file, time_mode::virtual_time)->id, "keeps-away");
}

TEST_F(files, that_are_not_there_are_a_problem) {
    const auto read = read_file(root() + "/none.yaml", root(), time_mode::virtual_time);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().front().text(), root() + "/none.yaml: cannot be read; expected a scenario file");
    fs::create_directories(root());
    EXPECT_FALSE(read_file(root(), root(), time_mode::virtual_time));
}

TEST_F(files, that_are_too_large_are_a_problem) {
    const auto file = put("large.yaml", "claim: " + std::string(3 << 20, 'x'));
    EXPECT_THAT(read_file(file, root(), time_mode::virtual_time).error().front().message, testing::HasSubstr("larger than 1 MiB"));
}

TEST_F(files, are_found_sorted_and_without_policies) {
    const auto b = put("b.yaml"), a = put("a/z.yaml"), c = put("a/b/c.yml");
    put("policies/default/x.yaml");
    put("a/readme.md");
    EXPECT_THAT(find_scenarios(root()), testing::ElementsAre(c, a, b));
    EXPECT_THAT(find_scenarios(a), testing::ElementsAre(a));
    EXPECT_TRUE(find_scenarios(root() + "/none").empty());
}

}  // namespace
}  // namespace badorigin::scenario
