#include "tools/video/renderer.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::tools {
namespace {

constexpr int most_geoms = 2000;
// fine enough for 480 pixels, and fast enough without a graphics card
constexpr int shadow_pixels = 1024, samples_per_pixel = 2;

// radii of what moves that a picture's half is wide
constexpr double margin = 2.2;

// the ball around all geoms that are not fixed to the world, as the model
// starts
struct Ball {
  double middle[3] = {}, radius = 0;
};
Ball moving_part(const mjModel *model) {
  std::unique_ptr<mjData, void (*)(mjData *)> data(mj_makeData(model),
                                                   mj_deleteData);
  mj_forward(model, data.get());
  double low[3], high[3];
  std::fill(low, low + 3, mjMAXVAL);
  std::fill(high, high + 3, -mjMAXVAL);
  for (int geom = 0; geom < model->ngeom; geom++)
    if (model->body_weldid[model->geom_bodyid[geom]] != 0)
      for (int k = 0; k < 3; k++) {
        const double at = data->geom_xpos[3 * geom + k],
                     size = model->geom_rbound[geom];
        low[k] = std::min(low[k], at - size);
        high[k] = std::max(high[k], at + size);
      }
  Ball ball;
  for (int k = 0; k < 3; k++) {
    ball.middle[k] = (low[k] + high[k]) / 2;
    ball.radius = std::max(ball.radius, (high[k] - low[k]) / 2);
  }
  return ball;
}

// the model's own camera that follows, or one that follows what floats, or one
// that looks at what moves
mjvCamera find_camera(const mjModel *model) {
  mjvCamera camera;
  mjv_defaultFreeCamera(model, &camera);
  const int track = mj_name2id(model, mjOBJ_CAMERA, "track");
  if (track >= 0) {
    camera.type = mjCAMERA_FIXED;
    camera.fixedcamid = track;
    return camera;
  }
  const Ball ball = moving_part(model);
  if (ball.radius > 0 && ball.radius < mjMAXVAL / 2) {
    std::copy(ball.middle, ball.middle + 3, camera.lookat);
    const double half_angle = model->vis.global.fovy / 2 * mjPI / 180;
    camera.distance = margin * ball.radius / std::tan(half_angle);
  }
  for (int joint = 0; joint < model->njnt; joint++)
    if (model->jnt_type[joint] == mjJNT_FREE) {
      camera.type = mjCAMERA_TRACKING;
      camera.trackbodyid = model->jnt_bodyid[joint];
      break;
    }
  return camera;
}

} // namespace

Renderer::Renderer(const mjModel *model, int size)
    : size_(size), gl_(make_gl_context()), model_(mj_copyModel(nullptr, model)),
      camera_(find_camera(model)) {
  auto &quality = model_->vis.quality;
  quality.shadowsize = std::min<int>(quality.shadowsize, shadow_pixels);
  quality.offsamples = std::min<int>(quality.offsamples, samples_per_pixel);
  model_->vis.global.offwidth = model_->vis.global.offheight = size;
  mjv_defaultScene(&scene_);
  mjv_defaultOption(&option_);
  mjr_defaultContext(&context_);
  mjv_makeScene(model_.get(), &scene_, most_geoms);
  mjr_makeContext(model_.get(), &context_, mjFONTSCALE_100);
  scene_.flags[mjRND_REFLECTION] = 0; // takes half of the time
  mjr_setBuffer(mjFB_OFFSCREEN, &context_);
  if (context_.currentBuffer != mjFB_OFFSCREEN) {
    mjr_freeContext(&context_);
    mjv_freeScene(&scene_);
    throw std::runtime_error(
        "drawing needs OpenGL with a buffer in memory: got none");
  }
  pixels_.resize(std::size_t(3) * size * size);
}

Renderer::~Renderer() {
  mjr_freeContext(&context_);
  mjv_freeScene(&scene_);
}

void Renderer::draw(const VideoTile &tile, std::uint8_t *into,
                    std::ptrdiff_t stride) {
  const mjrRect all = {0, 0, size_, size_};
  mjv_updateScene(model_.get(), tile.data, &option_, nullptr, &camera_,
                  mjCAT_ALL, &scene_);
  mjr_render(all, &scene_, &context_);
  if (!tile.text.empty())
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPLEFT, all, tile.text.c_str(), nullptr,
                &context_);
  mjr_readPixels(pixels_.data(), nullptr, all, &context_);
  // OpenGL counts rows from below
  const std::size_t row = std::size_t(3) * size_;
  for (int y = 0; y < size_; y++)
    std::memcpy(into + y * stride, pixels_.data() + (size_ - 1 - y) * row, row);
}

} // namespace phlox::tools
