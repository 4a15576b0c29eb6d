// Pictures of MuJoCo states as an MP4. The library behind it (OpenGL, FFmpeg)
// is loaded on demand: machines without either run everything else.
#pragma once
#include <memory>
#include <mujoco/mujoco.h>
#include <span>
#include <string>

namespace phlox::tools {

struct VideoRequest {
  std::string path;
  double fps = 0;
  int columns = 1, rows = 1; // tiles side by side and one below the other
  int tile = 480;            // pixels, width and height of one
};

/// One picture of a frame: a state, and words in its corner.
struct VideoTile {
  const mjModel *model = nullptr;
  mjData *data = nullptr; // only read
  std::string text;
};

/// A video being written; what is not finished leaves no file.
class Video {
public:
  virtual ~Video() = default;
  /// Adds a frame.
  ///
  /// Shapes:  tiles (columns * rows), row by row, all of one model.
  /// Errors:  std::runtime_error with one line.
  virtual void add(std::span<const VideoTile> tiles) = 0;
  /// Completes the file under its name.
  virtual void finish() = 0;
};

/// Begins a video for tasks of one model.
///
/// Errors:  std::runtime_error with one line: a build without video, no OpenGL
///          on this machine, no encoder for H.264, a file that cannot be
///          written.
std::unique_ptr<Video> begin_video(const VideoRequest &request,
                                   const mjModel *model);

/// What the library exports: Video *(const VideoRequest *, const mjModel *).
inline constexpr const char *video_symbol = "phlox_video_begin";

} // namespace phlox::tools
