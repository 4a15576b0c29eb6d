// Drawings: where points lie, what is left out, what text becomes.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/scale.h"
#include "tools/report/thin.h"
#include <gmock/gmock.h>

namespace phlox::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

Chart chart(Series series) {
  Chart chart;
  chart.title = "a<b";
  chart.groups = {"one"};
  chart.series.push_back(std::move(series));
  return chart;
}

TEST(Chart, HoldsItsDataWithAllDigits) {
  Series series{"run", 0, Series::Kind::run, {1, 2}, {0.1, 1.0 / 3}, {},
                {},    {}};
  const std::string text = draw(chart(series));
  EXPECT_THAT(text, HasSubstr("\"x\":[1,2],\"y\":[0.1,0.3333333333333333]"));
  // from corner to corner, with 4 % above and below
  EXPECT_THAT(text, HasSubstr("d=\"M46.00 252.67L458.00 19.33\""));
  EXPECT_THAT(text, HasSubstr("a&lt;b"));
}

TEST(Chart, GapsBreakALineAndLonePointsAreCrosses) {
  Series series{"run", 0, Series::Kind::line, {1, 2, 3, 4}, {1, none, 2, 3}, {},
                {},    {}};
  const std::string text = draw(chart(series));
  EXPECT_THAT(text, HasSubstr("\"y\":[1,null,2,3]"));
  EXPECT_THAT(text, HasSubstr("m-4 0h8m-4 -4v8M"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(Chart, IsEmptyWithoutAPoint) {
  EXPECT_EQ(draw(chart({"run", 0, Series::Kind::run, {1}, {none}, {}, {}, {}})),
            "");
  EXPECT_EQ(draw_intervals("title", {}), "");
}

TEST(Chart, OnePointStillHasAxes) {
  const std::string text =
      draw(chart({"run", 0, Series::Kind::run, {5}, {0}, {}, {}, {}}));
  EXPECT_THAT(text, HasSubstr("M252.00 136.00m-4 0h8"));
}

TEST(Scale, TicksAreRound) {
  EXPECT_THAT(ticks({0, 10}, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks({-130, 120}, 5), ElementsAre(-100, -50, 0, 50, 100));
  EXPECT_TRUE(ticks({1, 1}, 5).empty());
}

TEST(Thin, KeepsValuesAsTheyAreAndTheLastOne) {
  std::vector<double> x, y;
  for (int i = 0; i < 100; i++) {
    x.push_back(i);
    y.push_back(i < 10 ? none : i * i);
  }
  Series series;
  EXPECT_EQ(thin(x, y, 10, series), 9u);
  EXPECT_THAT(series.x,
              ElementsAre(10, 19, 28, 37, 46, 55, 64, 73, 82, 91, 99));
  EXPECT_EQ(series.y[1], 361);
  Series whole;
  EXPECT_EQ(thin(x, y, 1000, whole), 1u);
  EXPECT_EQ(whole.x.size(), 90u);
  Series empty;
  thin({1, 2}, {none, none}, 10, empty);
  EXPECT_TRUE(empty.x.empty());
}

TEST(Format, NumbersForReaders) {
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-999.6), "−1,000");
  EXPECT_EQ(readable(4865.698), "4,866");
  EXPECT_EQ(readable(0.02), "0.0200");
  EXPECT_EQ(readable(none), "–");
  EXPECT_EQ(compact(12000), "12k");
  EXPECT_EQ(compact(-0.5), "-0.5");
  EXPECT_EQ(duration(3725), "1 h 02 min");
  EXPECT_EQ(exact(0.1), "0.1");
  EXPECT_EQ(exact(none), "null");
}

TEST(Format, TextCannotLeaveItsPlace) {
  EXPECT_EQ(escape("<a href='x'>&"), "&lt;a href=&#39;x&#39;&gt;&amp;");
  EXPECT_EQ(json_text("</script>\"\\\n"),
            "\\u003c/script\\u003e\\u0022\\u005c\\u000a");
}

} // namespace
} // namespace phlox::report
