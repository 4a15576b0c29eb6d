// Episodes of a trained policy as a video.
#pragma once
#include "tools/phlox/trained.h"
#include <functional>
#include <optional>
#include <string>

namespace phlox::tools {

/// How many episodes side by side, and where to.
struct FilmRequest {
  std::string path;
  int columns = 1, rows = 1;
};

/// Reads "3x3" as columns and rows, each from 1 to 8.
///
/// Errors:  rl::UsageError.
std::pair<int, int> grid_of(const std::string &text);

/// Films the first episodes of the streams that end a training, at the task's
/// own speed, with step and return in the picture: all that it needs is opened
/// now, and the function that is returned films and says a line about it.
///
/// Errors:  as film() of environments, now.
std::function<std::string()> begin_film(Trained &trained,
                                        const FilmRequest &request);

/// Films the first episode of each environment with an actor of one; nothing,
/// and no file, if `stop` returned true.
///
/// Units:   `first_step` is the noise counter of the first action.
/// Errors:  std::runtime_error: a task without a MuJoCo model, no OpenGL, no
///          FFmpeg, a file that cannot be written.
std::optional<std::string> film(envs::VectorEnv env, rl::Actor &actor,
                                std::uint64_t first_step,
                                const FilmRequest &request,
                                const std::function<bool()> &stop = {});

} // namespace phlox::tools
