#include "tools/video/renderer.h"
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::tools {
namespace {

constexpr int most_geoms = 2000;
// fine enough for 480 pixels, and fast enough without a graphics card
constexpr int shadow_pixels = 1024, samples_per_pixel = 2;

// the model's own camera that follows, or one that follows its first body, or
// the view that the model asks for
mjvCamera find_camera(const mjModel *model) {
  mjvCamera camera;
  mjv_defaultFreeCamera(model, &camera);
  const int track = mj_name2id(model, mjOBJ_CAMERA, "track");
  if (track >= 0) {
    camera.type = mjCAMERA_FIXED;
    camera.fixedcamid = track;
    return camera;
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
