#include "runtime/cores.h"
#include "test/runtime/support.h"
#include <sched.h>

namespace phlox::runtime::test {
namespace {

class CgroupTest : public testing::Test {
protected:
  void write(const std::string &path, const std::string &text) {
    std::filesystem::path file(folder / path);
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, bytes_of(text));
  }
  int cores(const std::string &membership) {
    return cgroup_cores(membership, folder / ".");
  }
  Folder folder;
};

TEST_F(CgroupTest, Version2TakesTheSmallestAncestor) {
  write("a/b/cpu.max", "800000 100000\n");
  write("a/cpu.max", "350000 100000\n");
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(cores("0::/a/b\n"), 3);
  EXPECT_EQ(cores("0::/\n"), 0);
  EXPECT_EQ(cores("0::/a/b/c/d\n"), 3);
  write("a/b/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores("0::/a/b\n"), 2);
}

TEST_F(CgroupTest, Version2AtTheTopOfAContainer) {
  write("cpu.max", "50000 100000\n");
  EXPECT_EQ(cores("0::/not/visible/here\n"), 1);
}

TEST_F(CgroupTest, Version1NamesItsHierarchy) {
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "200000\n");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write("cpuset/job/cpu.cfs_quota_us", "100000\n");
  write("cpuset/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores("3:cpuset:/job\n2:cpu,cpuacct:/job\n"), 2);
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cores("3:cpuset:/job\n2:cpu,cpuacct:/job\n"), 0);
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
  write("a/cpu.max", "what");
  for (const char *text : {"", "x", "0:", "0::", "0::a", "0::/a", "::::\n:\n"})
    EXPECT_EQ(cores(text), 0) << text;
}

TEST(Cores, FollowTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  EXPECT_LE(available_cores(), CPU_COUNT(&before));
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(available_cores(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

} // namespace
} // namespace phlox::runtime::test
