// Every byte of a checkpoint is vouched for, and what follows from damage.
#include "rl/trainer/errors.h"
#include "rl/trainer/find_checkpoint.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TrainerConfig config_of(std::int64_t steps) {
  TrainerConfig config = small_config();
  config.total_timesteps = steps;
  return config;
}

void flip(const fs::path &path, std::size_t at, int bit) {
  std::string bytes = read_text(path);
  bytes.at(at) = char(bytes.at(at) ^ (1 << bit));
  write_text(path, bytes);
}

fs::path newest(const fs::path &run) {
  std::string latest = read_text(run / "checkpoints" / "LATEST");
  return run / "checkpoints" / latest.substr(0, latest.find('\n'));
}

TEST(Damage, IsFoundInEveryFile) {
  Scratch folder;
  ASSERT_EQ(run_lqr(config_of(1000), folder.path()), 0);
  const fs::path last = newest(folder.path() / "run");
  const fs::path segments = last.parent_path() / "segments";
  std::vector<fs::path> files;
  for (const auto &entry : fs::directory_iterator(last))
    files.push_back(entry.path());
  // arena, envs, two lists, configuration, manifest, SUMS
  ASSERT_EQ(files.size(), 7u);
  const auto list = nlohmann::json::parse(read_text(last / "replay.json"));
  for (const auto &row : list["segments"])
    files.push_back(segments / row["file"].get<std::string>());
  ASSERT_EQ(files.size(), 7 + 4u);
  for (const fs::path &file : files) {
    const std::size_t size = fs::file_size(file);
    for (std::size_t at : {std::size_t(0), size / 3, size - 1}) {
      flip(file, at, 3);
      if (file.filename() == "SUMS") // it cannot tell itself from the others
        EXPECT_THROW(verify_checkpoint(last, segments), std::runtime_error);
      else
        EXPECT_THAT([&] { verify_checkpoint(last, segments); },
                    ThrowsMessage<std::runtime_error>(HasSubstr(file.string())))
            << at;
      flip(file, at, 3);
    }
    const std::string whole = read_text(file);
    write_text(file, whole.substr(0, whole.size() - 1));
    EXPECT_THROW(verify_checkpoint(last, segments), std::runtime_error) << file;
    fs::remove(file);
    EXPECT_THROW(verify_checkpoint(last, segments), std::runtime_error) << file;
    write_text(file, whole);
  }
  verify_checkpoint(last, segments);
}

TEST(Damage, IsFoundInEveryByteOfTheSums) {
  Scratch folder;
  ASSERT_EQ(run_lqr(config_of(400), folder.path()), 0);
  const fs::path last = newest(folder.path() / "run");
  const std::string whole = read_text(last / "SUMS");
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int bit : {0, 5}) {
      flip(last / "SUMS", at, bit);
      EXPECT_THROW(verify_checkpoint(last, last.parent_path() / "segments"),
                   std::runtime_error)
          << at << " " << bit;
      write_text(last / "SUMS", whole);
    }
}

TEST(Damage, IsPassedOverByReadersWithoutATrace) {
  Scratch folder;
  ASSERT_EQ(run_lqr(config_of(1000), folder.path()), 0);
  const fs::path run = folder.path() / "run", last = newest(run);
  std::vector<std::string> said;
  auto find = [&](const std::string &wanted) {
    said.clear();
    return find_checkpoint(
               run, wanted,
               [&](const std::string &line) { said.push_back(line); })
        .filename()
        .string();
  };
  EXPECT_EQ(find("last"), "000001000");
  EXPECT_EQ(find("800"), "000000800");
  EXPECT_EQ(find("best"), "best");
  EXPECT_THAT(
      [&] { find("900"); },
      ThrowsMessage<UsageError>(HasSubstr(
          "one of last, 000000600, 000000800, 000001000, best: got '900'")));
  EXPECT_THROW(find("../x"), UsageError);
  // as after a kill between the two renames
  write_text(run / "checkpoints" / "LATEST", "000000600\n");
  EXPECT_EQ(find("last"), "000001000");
  EXPECT_TRUE(said.empty());
  // what says how far it came, too
  for (const char *file : {"trainer.json", "config.toml"}) {
    const std::string whole = read_text(last / file);
    flip(last / file, whole.size() / 2, 1);
    EXPECT_EQ(find("last"), "000000800") << file;
    EXPECT_THROW(find("1000"), std::runtime_error) << file;
    write_text(last / file, whole);
  }
  flip(last / "arena.safetensors", 200, 1);
  fs::remove(run / "checkpoints" / "000000800" / "SUMS");
  EXPECT_EQ(find("last"), "000000600");
  ASSERT_EQ(said.size(), 2u);
  EXPECT_THAT(said[0], HasSubstr("checkpoint 000001000 is damaged, going to "
                                 "the one before: "));
  EXPECT_TRUE(fs::exists(last));
  EXPECT_THROW(find("1000"), std::runtime_error);
  fs::remove(run / "checkpoints" / "000000600" / "arena.safetensors");
  EXPECT_THAT([&] { find("last"); },
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("must hold an intact checkpoint: got 3 damaged")));
}

// what checkpoints cost on the disk
class Written : public testing::Test {
protected:
  void add(Replay &replay, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::fill(obs.begin(), obs.end(), float(replay.count()));
      replay.add({obs, action, obs, reward, ended, ended});
    }
  }
  // bytes of segment files that were not there before
  std::uintmax_t write(Checkpoints &checkpoints, std::int64_t step,
                       Replay &replay) {
    checkpoints.write(
        step,
        [](const fs::path &place) { write_text(place / "trainer.json", "{}"); },
        &replay);
    std::uintmax_t bytes = 0;
    for (const auto &entry : fs::directory_iterator(checkpoints.segments()))
      if (seen.insert(entry.path()).second)
        bytes += entry.file_size();
    return bytes;
  }

  std::vector<float> obs = std::vector<float>(17), action = {1, 2, 3};
  std::vector<double> reward = {1};
  std::vector<std::uint8_t> ended = {0};
  std::set<fs::path> seen;
};

TEST_F(Written, SecondCheckpointIsSmall) {
  Scratch folder;
  TextLog log(Verbosity::quiet);
  Checkpoints checkpoints(folder.path(), 2, log);
  const ReplayShape shape{100'000, 17, 3, 1, 4096};
  Replay replay(shape);
  add(replay, 40'000);
  const std::uintmax_t first = write(checkpoints, 1, replay);
  EXPECT_GT(first, 40'000u * 4 * 21); // all of it
  const auto shared = seen;
  add(replay, 300);
  const std::uintmax_t second = write(checkpoints, 2, replay);
  EXPECT_LT(second, 4096u * 90); // the one segment that is not full
  EXPECT_GT(second, 300u * 4 * 21);
  // both list the nine full ones, none of which was touched
  for (const fs::path &file : shared)
    EXPECT_TRUE(fs::exists(file)) << file;
  verify_checkpoint(checkpoints.folder() / "000000001", checkpoints.segments());

  // and so it goes on after a resume
  Replay resumed(shape);
  resumed.load(checkpoints.segments(),
               read_text(checkpoints.folder() / "000000002" / "replay.json"));
  add(resumed, 300);
  EXPECT_LT(write(checkpoints, 3, resumed), 4096u * 90);
  // what no kept checkpoint lists is gone: one partly filled segment per
  // checkpoint remains beside the full ones
  std::size_t files = 0;
  for ([[maybe_unused]] const auto &entry :
       fs::directory_iterator(checkpoints.segments()))
    ++files;
  EXPECT_EQ(files, 9 + 2u);
}

} // namespace
} // namespace phlox::rl::test
