// MuJoCo states as pictures.
#pragma once
#include "tools/video/gl_context.h"
#include "tools/video/video.h"
#include <cstdint>
#include <vector>

namespace phlox::tools {

/// Draws states of one model, the camera following what moves.
class Renderer {
public:
  /// Errors:  std::runtime_error: no OpenGL, or MuJoCo cannot draw with it.
  Renderer(const mjModel *model, int size);
  Renderer(const Renderer &) = delete;
  Renderer &operator=(const Renderer &) = delete;
  ~Renderer();

  /// Draws one state.
  ///
  /// Shapes:  into (size, size, 3) at `stride` bytes per row, top row first.
  void draw(const VideoTile &tile, std::uint8_t *into, std::ptrdiff_t stride);

private:
  struct FreeModel {
    void operator()(mjModel *model) const { mj_deleteModel(model); }
  };
  void find_camera();

  int size_;
  std::unique_ptr<GlContext> gl_;
  std::unique_ptr<mjModel, FreeModel> model_; // of lesser quality
  mjvScene scene_;
  mjvCamera camera_;
  double back_ = 0; // that the model's own camera is moved away, metres
  mjvOption option_;
  mjrContext context_;
  std::vector<std::uint8_t> pixels_;
};

} // namespace phlox::tools
