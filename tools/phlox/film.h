// Episodes of a trained policy as a video.
#pragma once
#include "tools/phlox/trained.h"
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
/// own speed, with step and return in the picture; returns a line about it.
///
/// Errors:  std::runtime_error: a task without a MuJoCo model, no OpenGL, no
///          FFmpeg, a file that cannot be written.
std::string film(Trained &trained, const FilmRequest &request);

} // namespace phlox::tools
