// Tables are read as far as they are whole.
#include "tools/report/table.h"
#include <cmath>
#include <gmock/gmock.h>

namespace phlox::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> begin = {"env_step", "wall_s"};

Table read(const std::string &text) {
  return read_table("a.csv", "env_step,wall_s,loss\n" + text, begin);
}

TEST(Table, KeepsEveryDigitAndEmptyFields) {
  const Table table = read("1,0.5,\n2,1.25,0.1234567890123456\n");
  EXPECT_EQ(table.damage, "");
  EXPECT_THAT(*table.find("env_step"), ElementsAre(1, 2));
  EXPECT_TRUE(std::isnan((*table.find("loss"))[0]));
  EXPECT_EQ((*table.find("loss"))[1], 0.1234567890123456);
  EXPECT_EQ(table.find("gain"), nullptr);
}

TEST(Table, CountsNumbersThatAreNotFinite) {
  const Table table = read("1,0.5,nan\n2,1,-inf\n3,1,2\n");
  EXPECT_EQ(table.damage, "");
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.not_finite, 2);
}

TEST(Table, StopsWhereARowIsCut) {
  const Table table = read("1,0.5,3\n2,1,4");
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.damage,
            "a.csv:3: a row must end with a line break: got a cut one");
  EXPECT_EQ(read("1,0.5,3\n2,1").damage,
            "a.csv:3: a row must have 3 fields: got 2");
}

TEST(Table, NamesAFieldThatIsNoNumber) {
  const Table table = read("1,0.5,3\n2,x1,4\n3,1,4\n");
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.damage, "a.csv:3: 'wall_s' must be a number: got 'x1'");
  EXPECT_EQ(read("1,0.5,1e999\n").damage,
            "a.csv:2: 'loss' must be a number: got '1e999'");
}

TEST(Table, StepsMustBeCountsThatDoNotFall) {
  EXPECT_EQ(read("5,1,1\n5,1,1\n4,1,1\n").damage,
            "a.csv:4: 'env_step' must not fall: got 4 after 5");
  EXPECT_EQ(read("nan,1,1\n").damage,
            "a.csv:2: 'env_step' must be a count: got 'nan'");
}

TEST(Table, HeaderMustBeTheKnownOne) {
  for (const char *text : {"", "wall_s,env_step\n", "env_step\n", "\xff\n"}) {
    const Table table = read_table("a.csv", text, begin);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_THAT(table.damage, HasSubstr("a.csv:1: the header must begin with "
                                        "env_step,wall_s: got '"));
  }
}

TEST(Table, ReturnsAreAList) {
  const Table table = read_table(
      "a.csv",
      "env_step,wall_s,returns,success\n1,1,1.5 -2 3e3,.5\n2,1,1 b,1\n", begin);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_THAT(table.lists[0], ElementsAre(1.5, -2, 3000));
  EXPECT_THAT(*table.find("success"), ElementsAre(.5));
  EXPECT_EQ(table.damage, "a.csv:3: 'returns' must be a number: got '1 b'");
}

} // namespace
} // namespace phlox::report
