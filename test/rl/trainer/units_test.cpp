#include "rl/trainer/errors.h"
#include "rl/trainer/units.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

TEST(Units, ReadDurations) {
  EXPECT_EQ(parse_duration("3h50m", "x"), 13800);
  EXPECT_EQ(parse_duration("90", "x"), 90);
  EXPECT_EQ(parse_duration("1.5", "x"), 1.5);
  EXPECT_EQ(parse_duration("1d12h", "x"), 129600);
  EXPECT_EQ(parse_duration("2m30s", "x"), 150);
  EXPECT_EQ(parse_duration("0.5h", "x"), 1800);
  for (const char *text : {"", "h", "3x", "5m3h", "3h3h", "3h50", "-1h", "-1",
                           "inf", "nan", "1h ", " 1h", "1e400s"})
    EXPECT_THAT([&] { parse_duration(text, "--stop-after"); },
                testing::ThrowsMessage<UsageError>(
                    std::string("--stop-after must be seconds or a duration "
                                "such as 3h50m: got '") +
                    text + "'"));
}

TEST(Units, WriteBytesAndSeconds) {
  EXPECT_EQ(amount(0), "0 bytes");
  EXPECT_EQ(amount(999), "999 bytes");
  EXPECT_EQ(amount(8'200), "8.2 kB");
  EXPECT_EQ(amount(64'400'000), "64 MB");
  EXPECT_EQ(amount(1'500'000'000), "1.5 GB");
  EXPECT_EQ(duration(9.7), "9s");
  EXPECT_EQ(duration(242), "4m02s");
  EXPECT_EQ(duration(13800), "3h50m");
}

} // namespace
} // namespace phlox::rl
