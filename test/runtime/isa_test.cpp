#include "runtime/isa.h"
#include "runtime/status.h"
#include "runtime/table.h"
#include "test/runtime/support.h"
#include <fstream>
#include <sstream>

namespace phlox::runtime::test {
namespace {

// what Linux says about this machine, which reads the same registers
bool kernel_lists(const std::string &flag) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("flags", 0) == 0) {
      std::istringstream words(line);
      for (std::string word; words >> word;)
        if (word == flag)
          return true;
      return false;
    }
  return false;
}

TEST(Isa, AgreesWithTheKernel) {
  std::uint64_t isa = detect_isa();
  auto expect = [&](std::uint64_t bit, const char *flag) {
    EXPECT_EQ((isa & bit) != 0, kernel_lists(flag)) << flag;
  };
  expect(PHLOX_ISA_AVX2, "avx2");
  expect(PHLOX_ISA_AVX512F, "avx512f");
  expect(PHLOX_ISA_AVX512BW, "avx512bw");
  expect(PHLOX_ISA_AVX512CD, "avx512cd");
  expect(PHLOX_ISA_AVX512DQ, "avx512dq");
  expect(PHLOX_ISA_AVX512VL, "avx512vl");
  expect(PHLOX_ISA_AMX_TILE, "amx_tile");
  expect(PHLOX_ISA_AMX_BF16, "amx_bf16");
  expect(PHLOX_ISA_AVX512BF16, "avx512_bf16");
}

TEST(Isa, LimitsHideWhatLiesBeyond) {
  EXPECT_EQ(isa_limit("x86-64"), 0u);
  EXPECT_EQ(isa_limit("x86-64-v3"), 1u);
  EXPECT_EQ(isa_limit("x86-64-v4"), 0x3fu);
  EXPECT_EQ(isa_limit("avx512-bf16"), 0x13fu);
  EXPECT_EQ(isa_limit("amx"), 0x1ffu);
  EXPECT_EQ(isa_limit(""), ~std::uint64_t{0});
  EXPECT_EQ(isa_limit("AMX"), std::nullopt);
  setenv("PHLOX_MAX_ISA", "x86-64-v3", 1);
  EXPECT_EQ(phlox_isa_available() & ~std::uint64_t{1}, 0u);
  unsetenv("PHLOX_MAX_ISA");
  EXPECT_EQ(phlox_isa_available(), detect_isa());
}

class ChooseVariant : public testing::Test {
protected:
  phlox_executable_table table() {
    phlox_executable_table made =
        *phlox_executable_query(PHLOX_EXECUTABLE_VERSION);
    made.variants = variants;
    made.variant_count = 3;
    return made;
  }
  const char *choice(std::uint64_t available) {
    return choose_variant(table(), available, "a.so: artifact")->target;
  }
  phlox_variant variants[3] = {{"amx", 0xff, nullptr, nullptr},
                               {"x86-64-v4", 0x3f, nullptr, nullptr},
                               {"x86-64-v3", 0x01, nullptr, nullptr}};
};

TEST_F(ChooseVariant, TakesTheFirstThatFits) {
  EXPECT_STREQ(choice(0xff), "amx");
  EXPECT_STREQ(choice(0x7f), "x86-64-v4");
  EXPECT_STREQ(choice(0x3f), "x86-64-v4");
  EXPECT_STREQ(choice(0x1f), "x86-64-v3");
  EXPECT_STREQ(choice(0x01), "x86-64-v3");
}

TEST_F(ChooseVariant, AsksForTilesOnlyWhereTheyServe) {
  static int asked = 0;
  auto granted = [] { return ++asked > 0; };
  auto refused = [] { return ++asked == 0; };
  EXPECT_EQ(permitted_isa(table(), 0x3f, granted), 0x3fu);
  EXPECT_EQ(permitted_isa(table(), 0x7f, granted), 0x7fu);
  EXPECT_EQ(asked, 0); // this processor lacks them
  EXPECT_EQ(permitted_isa(table(), 0xff, granted), 0xffu);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(permitted_isa(table(), 0xff, refused), 0x3fu);
  EXPECT_EQ(asked, 2);
  variants[0].isa = 0x3f;
  EXPECT_EQ(permitted_isa(table(), 0xff, refused), 0xffu);
  EXPECT_EQ(asked, 2); // this artifact does not use them
}

TEST(Isa, ProcessorsWithoutTilesPermitNone) {
  if (!kernel_lists("amx_tile")) {
    EXPECT_FALSE(tiles_permitted());
  }
}

TEST_F(ChooseVariant, NamesWhatIsMissing) {
  variants[2].isa |= std::uint64_t{1} << 40;
  try {
    choice(0x3e);
    FAIL() << "must be refused";
  } catch (const StatusError &error) {
    EXPECT_EQ(error.code, PHLOX_UNSUPPORTED);
    EXPECT_STREQ(error.what(),
                 "a.so: artifact: this machine must have the instruction sets "
                 "of one target: got none: amx lacks AVX2, AMX-TILE, AMX-BF16; "
                 "x86-64-v4 lacks AVX2; x86-64-v3 lacks AVX2, bit 40");
  }
}

} // namespace
} // namespace phlox::runtime::test
