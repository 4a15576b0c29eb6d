#include "tools/phlox/film.h"
#include "envs/mujoco_task.h"
#include "rl/trainer/errors.h"
#include "tools/video/video.h"
#include <charconv>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>

namespace phlox::tools {
namespace {

constexpr int most_columns = 8;
// pixels of one picture: alone, and in a grid
constexpr int whole_tile = 480, grid_tile = 320;

struct FreeData {
  void operator()(mjData *data) const { mj_deleteData(data); }
};

const envs::MujocoTask &drawable(envs::Environment &task) {
  const auto *mujoco = dynamic_cast<const envs::MujocoTask *>(&task);
  if (!mujoco)
    throw std::runtime_error(fmt::format(
        "a video needs a task with a MuJoCo model: got {}", task.spec().id));
  return *mujoco;
}

// an episode on film: the state that is drawn, and what is said about it
struct Tile {
  std::unique_ptr<mjData, FreeData> data;
  double episode_return = 0;
  int step = 0;
  bool ended = false;
};

class Film {
public:
  Film(envs::VectorEnv env, rl::Actor &actor, std::uint64_t first_step,
       const FilmRequest &request)
      : env_(std::move(env)), actor_(actor), first_step_(first_step),
        tiles_(env_.size()) {
    const auto &task = drawable(env_.environment(0));
    VideoRequest video{request.path, 1 / task.dt(), request.columns,
                       request.rows, env_.size() == 1 ? whole_tile : grid_tile};
    video_ = begin_video(video, &task.model());
    for (Tile &tile : tiles_)
      tile.data.reset(mj_makeData(&task.model()));
  }

  std::optional<std::string> run(const std::string &path,
                                 const std::function<bool()> &stop) {
    const auto O = static_cast<std::size_t>(env_.obs_size()),
               A = static_cast<std::size_t>(env_.action_size());
    std::vector<float> action(env_.size() * A);
    env_.reset();
    int frames = 0, left = env_.size();
    for (std::uint64_t step = 0; left > 0; step++, frames++) {
      if (stop && stop())
        return std::nullopt;
      take();
      add();
      // one at a time: the artifact need not have this many side by side
      for (std::size_t i = 0; i < tiles_.size(); i++)
        actor_.act(env_.obs().subspan(i * O, O),
                   first_step_ + step * tiles_.size() + i,
                   std::span(action).subspan(i * A, A));
      env_.step(action);
      left -= follow();
    }
    // the last state with the whole return, for half a second
    const auto last =
        static_cast<int>(0.5 / drawable(env_.environment(0)).dt());
    for (int i = 0; i <= last; i++, frames++)
      add();
    video_->finish();
    return fmt::format("{}: {} episode{}, {} frames, return {:.1f}", path,
                       tiles_.size(), tiles_.size() == 1 ? "" : "s", frames,
                       mean());
  }

private:
  // states are copied: a finished one is replaced in the step that ends it
  void take() {
    for (int i = 0; i < env_.size(); i++) {
      const auto &task = drawable(env_.environment(i));
      if (tiles_[i].ended)
        continue;
      // what is fetched is the state alone: bodies lie where the last one's did
      mjData *data = tiles_[i].data.get();
      mj_copyData(data, &task.model(), &task.data());
      mj_forward(&task.model(), data);
    }
  }

  void add() {
    const mjModel *model = &drawable(env_.environment(0)).model();
    std::vector<VideoTile> tiles;
    for (const Tile &tile : tiles_)
      tiles.push_back({model, tile.data.get(),
                       fmt::format("step {}\nreturn {:.1f}", tile.step,
                                   tile.episode_return)});
    video_->add(tiles);
  }

  int follow() {
    int ended = 0;
    for (int i = 0; i < env_.size(); i++) {
      Tile &tile = tiles_[i];
      if (tile.ended)
        continue;
      tile.episode_return = env_.episode_return()[i];
      tile.step = env_.episode_length()[i];
      tile.ended = env_.terminated()[i] || env_.truncated()[i];
      ended += tile.ended;
    }
    return ended;
  }

  double mean() const {
    double sum = 0;
    for (const Tile &tile : tiles_)
      sum += tile.episode_return;
    return sum / static_cast<double>(tiles_.size());
  }

  envs::VectorEnv env_;
  rl::Actor &actor_;
  std::uint64_t first_step_;
  std::vector<Tile> tiles_;
  std::unique_ptr<Video> video_;
};

using Begin = Video *(const VideoRequest *, const mjModel *);

Begin *load_library() {
  const auto path = library_folder() / "libphlox_video.so";
  if (!std::filesystem::exists(path))
    throw std::runtime_error("a video needs a build with FFmpeg's libraries "
                             "(libavcodec-dev, libavformat-dev, "
                             "libswscale-dev): got one without");
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto *begin =
      handle ? reinterpret_cast<Begin *>(dlsym(handle, video_symbol)) : nullptr;
  if (!begin)
    throw std::runtime_error(
        fmt::format("the video library cannot be loaded: {}", dlerror()));
  return begin;
}

} // namespace

std::unique_ptr<Video> begin_video(const VideoRequest &request,
                                   const mjModel *model) {
  static Begin *const begin = load_library();
  return std::unique_ptr<Video>(begin(&request, model));
}

std::pair<int, int> grid_of(const std::string &text) {
  const auto cross = text.find('x');
  auto number = [&](std::string_view part) {
    int value = 0;
    const char *end = part.data() + part.size();
    const auto [rest, error] = std::from_chars(part.data(), end, value);
    return error == std::errc() && rest == end ? value : 0;
  };
  const std::string_view all = text;
  const int columns = number(all.substr(0, cross)),
            rows = cross == text.npos ? 0 : number(all.substr(cross + 1));
  if (columns < 1 || columns > most_columns || rows < 1 || rows > most_columns)
    throw rl::UsageError(fmt::format(
        "--video-grid must be COLUMNSxROWS, each from 1 to {}: got '{}'",
        most_columns, text));
  return {columns, rows};
}

std::function<std::string()> begin_film(Trained &trained,
                                        const FilmRequest &request) {
  auto actor = std::make_shared<rl::Actor>(trained.actor(1));
  auto film = std::make_shared<Film>(
      trained.environments(request.columns * request.rows, "eval/final"),
      *actor, rl::final_evaluation_step, request);
  return [actor, film, path = request.path] { return *film->run(path, {}); };
}

std::optional<std::string> film(envs::VectorEnv env, rl::Actor &actor,
                                std::uint64_t first_step,
                                const FilmRequest &request,
                                const std::function<bool()> &stop) {
  return Film(std::move(env), actor, first_step, request)
      .run(request.path, stop);
}

} // namespace phlox::tools
