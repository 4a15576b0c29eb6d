// Cores of a sweep's runs.
#include "tools/phlox/sweep_plan.h"
#include <gmock/gmock.h>
#include <map>

namespace phlox::tools {
namespace {

Share ranks(int count, int neighbours) { return {0, count, neighbours}; }

TEST(SweepShareTest, RunsSideBySideShareTheCores) {
  EXPECT_EQ(threads_per_run(8, 8, {}, 1), 8);
  EXPECT_EQ(threads_per_run(8, 8, {}, 3), 2);
  EXPECT_EQ(threads_per_run(2, 8, {}, 4), 1);
}

TEST(SweepShareTest, RanksOfOneMachineShareTheCores) {
  EXPECT_EQ(threads_per_run(8, 8, ranks(4, 4), 1), 2);
  EXPECT_EQ(threads_per_run(8, 8, ranks(4, 2), 2), 2);
  // each is bound to cores of its own
  EXPECT_EQ(threads_per_run(2, 8, ranks(4, 4), 1), 2);
  EXPECT_EQ(threads_per_run(2, 8, ranks(4, 4), 2), 1);
}

TEST(SweepShareTest, AnArrayOfRanksIsDividedByBoth) {
  const auto variable = [](const std::string &name) -> std::string {
    const std::map<std::string, std::string> set = {
        {"SLURM_ARRAY_TASK_ID", "2"},  {"SLURM_ARRAY_TASK_MIN", "1"},
        {"SLURM_ARRAY_TASK_MAX", "3"}, {"OMPI_COMM_WORLD_RANK", "1"},
        {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
    };
    const auto at = set.find(name);
    return at == set.end() ? "" : at->second;
  };
  const Share share = find_share("", variable);
  EXPECT_EQ(share.index, 3);
  EXPECT_EQ(share.count, 6);
  EXPECT_EQ(share.neighbours, 2);
  EXPECT_EQ(find_share("1/4", variable).count, 4);
}

} // namespace
} // namespace phlox::tools
