// Keys: listed with defaults, read with limits, refused by name.
#include "rl/algorithms/settings.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Config {
  double rate = 0.5;
  std::optional<double> goal;
  int64_t rows = 256;
  bool fixed = false;
  std::string solver = "euler";
  std::vector<int64_t> hidden = {8, 8};
  void visit(Settings &s) {
    s.real("rate", rate, 0, 1, "a rate");
    s.optional_real("goal", goal, -5, 5, "a goal");
    s.integer("rows", rows, 1, 1000, "rows");
    s.flag("alpha.fixed", fixed, "a flag");
    s.choice("solver", solver, {"euler", "midpoint"}, "a choice");
    s.sizes("actor.hidden", hidden, "widths");
  }
};

std::string refusal(const json &config) {
  try {
    read_settings<Config>(config);
  } catch (const SettingsError &error) {
    return error.what();
  }
  return "";
}

TEST(Settings, ListsKeysWithDefaultsAndLimits) {
  auto schema = schema_of<Config>();
  ASSERT_EQ(schema.size(), 6u);
  EXPECT_EQ(schema[0].dump(),
            R"({"key":"rate","type":"real","default":0.5,"doc":"a rate",)"
            R"("least":0.0,"most":1.0})");
  EXPECT_TRUE(schema[1]["default"].is_null());
  EXPECT_EQ(schema[2]["type"], "integer");
  EXPECT_EQ(schema[3]["default"], false);
  EXPECT_EQ(schema[4]["choices"], json({"euler", "midpoint"}));
  EXPECT_EQ(schema[5]["default"], json({8, 8}));
}

TEST(Settings, ReadsDottedAndNestedKeys) {
  Config config = read_settings<Config>(json{{"rate", 1},
                                             {"goal", -3},
                                             {"rows", 1e2},
                                             {"alpha", {{"fixed", true}}},
                                             {"solver", "midpoint"},
                                             {"actor.hidden", {64, 32}}});
  EXPECT_EQ(config.rate, 1);
  EXPECT_EQ(config.goal, -3);
  EXPECT_EQ(config.rows, 100);
  EXPECT_TRUE(config.fixed);
  EXPECT_EQ(config.solver, "midpoint");
  EXPECT_EQ(config.hidden, (std::vector<int64_t>{64, 32}));
  EXPECT_EQ(read_settings<Config>(json()).rows, 256);
  EXPECT_FALSE(read_settings<Config>(json{{"goal", nullptr}}).goal);
}

TEST(Settings, RefusesByName) {
  EXPECT_THAT(refusal({{"rate", 2}}),
              HasSubstr("key 'rate' must be a number from 0 to 1: got 2"));
  EXPECT_THAT(refusal({{"rate", "1"}}), HasSubstr("got \"1\""));
  EXPECT_THAT(refusal({{"goal", true}}),
              HasSubstr("key 'goal' must be a number from -5 to 5, or null"));
  for (const json &rows : {json(0), json(1001), json(1.5), json(true),
                           json(1e300), json(18446744073709551615u)})
    EXPECT_THAT(refusal({{"rows", rows}}),
                HasSubstr("key 'rows' must be an integer from 1 to 1000"));
  EXPECT_THAT(refusal({{"alpha.fixed", 1}}),
              HasSubstr("key 'alpha.fixed' must be true or false: got 1"));
  EXPECT_THAT(refusal({{"solver", "heun"}}),
              HasSubstr("key 'solver' must be one of euler, midpoint"));
  for (const json &sizes :
       {json(64), json::array({0}), json::array({1.5}), json::array({64, "x"}),
        json(std::vector<int>(65, 1))})
    EXPECT_THAT(refusal({{"actor.hidden", sizes}}),
                HasSubstr("key 'actor.hidden' must be a list of at most 64 "
                          "sizes, each from 1 to 1048576"));
  EXPECT_THAT(refusal({{"gamma", 0.9}}), HasSubstr("got 'gamma'"));
  EXPECT_THAT(refusal({{"alpha", {{"fixed", true}}}, {"alpha.fixed", true}}),
              HasSubstr("key 'alpha.fixed' must be set once: got it twice"));
  EXPECT_THAT(refusal(json::array()),
              HasSubstr("configuration must be an object: got []"));
}

} // namespace
} // namespace phlox::rl
