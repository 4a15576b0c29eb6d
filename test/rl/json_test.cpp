// Values from anybody's file: none is so deep that walking it can fail.
#include "rl/json.h"
#include "rl/trainer/checkpoint.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + "1" + std::string(levels, ']');
}

TEST(Json, DepthIsLimited) {
  EXPECT_EQ(parse_json(nested(deepest_json)).dump(), nested(deepest_json));
  EXPECT_TRUE(parse_json(nested(deepest_json + 1)).is_discarded());
  EXPECT_TRUE(parse_json(nested(1'000'000)).is_discarded());
  EXPECT_TRUE(
      parse_json(R"({"a": 1, "b": )" + nested(100'000) + "}").is_discarded());
  EXPECT_TRUE(parse_json(nested(3).substr(1)).is_discarded());
}

TEST(Json, AFileThatIsTooDeepIsNamed) {
  test::Scratch folder;
  const auto path = folder.path() / "trainer.json";
  write_text(path, nested(100'000));
  EXPECT_THAT([&] { read_json(path); },
              testing::ThrowsMessage<std::runtime_error>(
                  path.string() +
                  ": must be JSON of at most 64 levels: got other text"));
}

} // namespace
} // namespace phlox::rl
