// Pictures and videos: what is drawn, and what a decoder finds in the file.
#include "tools/video/encoder.h"
#include "tools/video/renderer.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace phlox::tools {
namespace {

using testing::HasSubstr;

class VideoTest : public testing::Test {
protected:
  VideoTest() {
    path = std::filesystem::temp_directory_path() /
           ("phlox-video-" + std::to_string(getpid()) + ".mp4");
  }
  ~VideoTest() override { std::filesystem::remove(path); }
  std::filesystem::path path;
};

struct Decoded {
  int width = 0, height = 0, frames = 0;
  double fps = 0;
  AVPixelFormat format = AV_PIX_FMT_NONE;
  AVCodecID codec = AV_CODEC_ID_NONE;
  std::vector<int> luma; // of each frame's middle
};

Decoded decode(const std::filesystem::path &path) {
  Decoded result;
  AVFormatContext *file = nullptr;
  EXPECT_EQ(avformat_open_input(&file, path.c_str(), nullptr, nullptr), 0);
  if (!file)
    return result;
  EXPECT_GE(avformat_find_stream_info(file, nullptr), 0);
  EXPECT_EQ(file->nb_streams, 1u);
  const AVStream *stream = file->streams[0];
  result.codec = stream->codecpar->codec_id;
  result.fps = av_q2d(stream->avg_frame_rate);
  AVCodecContext *codec =
      avcodec_alloc_context3(avcodec_find_decoder(result.codec));
  avcodec_parameters_to_context(codec, stream->codecpar);
  EXPECT_EQ(avcodec_open2(codec, nullptr, nullptr), 0);
  AVPacket *packet = av_packet_alloc();
  AVFrame *frame = av_frame_alloc();
  auto receive = [&] {
    while (avcodec_receive_frame(codec, frame) == 0) {
      result.frames++;
      result.width = frame->width;
      result.height = frame->height;
      result.format = static_cast<AVPixelFormat>(frame->format);
      result.luma.push_back(
          frame->data[0][frame->height / 2 * frame->linesize[0] +
                         frame->width / 2]);
    }
  };
  while (av_read_frame(file, packet) == 0) {
    avcodec_send_packet(codec, packet);
    av_packet_unref(packet);
    receive();
  }
  avcodec_send_packet(codec, nullptr);
  receive();
  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&codec);
  avformat_close_input(&file);
  return result;
}

TEST_F(VideoTest, EncodesWhatADecoderFinds) {
  constexpr int width = 64, height = 32, frames = 12;
  Encoder encoder(path, width, height, 12.5);
  for (int i = 0; i < frames; i++)
    encoder.add(std::vector<std::uint8_t>(3 * width * height,
                                          static_cast<std::uint8_t>(20 * i)));
  EXPECT_FALSE(std::filesystem::exists(path));
  encoder.finish();
  const Decoded found = decode(path);
  EXPECT_EQ(found.codec, AV_CODEC_ID_H264);
  EXPECT_EQ(found.format, AV_PIX_FMT_YUV420P);
  EXPECT_EQ(found.width, width);
  EXPECT_EQ(found.height, height);
  EXPECT_DOUBLE_EQ(found.fps, 12.5);
  ASSERT_EQ(found.frames, frames);
  for (int i = 0; i < frames; i++) // grey g has luma 16 + 219 g / 255
    EXPECT_NEAR(found.luma[i], 16 + 219 * 20 * i / 255, 4) << i;
}

TEST_F(VideoTest, LeavesNoFileUnfinished) {
  {
    Encoder encoder(path, 64, 64, 20);
    encoder.add(std::vector<std::uint8_t>(3 * 64 * 64));
  }
  for (const auto &entry :
       std::filesystem::directory_iterator(path.parent_path()))
    EXPECT_THAT(entry.path().string(), testing::Not(HasSubstr(path.string())));
  try {
    Encoder encoder("/no/such/folder/x.mp4", 64, 64, 20);
    FAIL();
  } catch (const std::exception &error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/folder/x.mp4"));
  }
}

TEST_F(VideoTest, RemovesWhatAKilledProcessLeft) {
  const std::filesystem::path left = path.string() + ".tmp-1",
                              other = path.string() + ".old";
  std::ofstream(left) << "half";
  std::ofstream(other) << "whole";
  Encoder first(path, 64, 64, 20);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::remove(other));
  // one that is being written stays
  const auto mine = path.string() + ".tmp-" + std::to_string(getpid());
  EXPECT_TRUE(std::filesystem::exists(mine));
  std::filesystem::rename(mine, left);
  Encoder second(path, 64, 64, 20);
  EXPECT_TRUE(std::filesystem::remove(left));
}

// a model, its state, and what the renderer makes of it
class Drawn {
public:
  explicit Drawn(const std::string &world) {
    char error[200] = {};
    const std::string text = "<mujoco><visual><headlight ambient='1 1 1' "
                             "diffuse='0 0 0'/></visual>" +
                             world + "</mujoco>";
    spec_ = mj_parseXMLString(text.c_str(), nullptr, error, sizeof error);
    EXPECT_NE(spec_, nullptr) << error;
    model = mj_compile(spec_, nullptr);
    data = mj_makeData(model);
  }
  ~Drawn() {
    renderer_.reset();
    mj_deleteData(data);
    mj_deleteModel(model);
    mj_deleteSpec(spec_);
  }
  // false without OpenGL
  bool begin() {
    try {
      renderer_ = std::make_unique<Renderer>(model, size);
    } catch (const std::exception &failure) {
      why = failure.what();
    }
    return renderer_ != nullptr;
  }
  std::vector<std::uint8_t> draw(const std::string &text = "") {
    mj_forward(model, data);
    std::vector<std::uint8_t> picture(3 * size * size);
    renderer_->draw({model, data, text}, picture.data(), 3 * size);
    return picture;
  }
  static bool red(const std::vector<std::uint8_t> &picture, int x, int y) {
    const std::uint8_t *at = &picture[3 * (y * size + x)];
    return at[0] > 100 && at[1] < 60;
  }

  static constexpr int size = 48;
  mjModel *model = nullptr;
  mjData *data = nullptr;
  std::string why;

private:
  mjSpec *spec_ = nullptr;
  std::unique_ptr<Renderer> renderer_;
};

TEST_F(VideoTest, CameraFollowsWhatMoves) {
  Drawn ball("<worldbody><body pos='0 0 5'><freejoint/><geom size='.5' "
             "rgba='1 0 0 1'/></body></worldbody>");
  if (!ball.begin())
    GTEST_SKIP() << ball.why;
  for (const double height : {0.0, 50.0, -30.0}) {
    ball.data->qpos[2] = height;
    EXPECT_TRUE(ball.red(ball.draw(), ball.size / 2, ball.size / 2)) << height;
  }
  EXPECT_NE(ball.draw("step 7"), ball.draw());
}

TEST_F(VideoTest, CameraStaysWithWhatIsMoved) {
  // a pole that turns about its end, and a ball that rolls away
  Drawn pole("<worldbody><body><joint name='turn' axis='0 0 1'/><geom "
             "type='capsule' fromto='0 0 0 1 0 0' size='.1' rgba='1 0 0 1'/>"
             "</body><body pos='0 1 0'><freejoint/><geom size='.1'/></body>"
             "</worldbody><actuator><motor joint='turn'/></actuator>");
  if (!pole.begin())
    GTEST_SKIP() << pole.why;
  for (const double angle : {0., 1.5, 3., 4.5}) {
    pole.data->qpos[0] = angle;
    pole.data->qpos[1] = 100 * angle; // the ball
    const auto picture = pole.draw();
    EXPECT_TRUE(pole.red(picture, pole.size / 2, pole.size / 2)) << angle;
    int seen = 0, border = 0;
    for (int y = 0; y < pole.size; y++)
      for (int x = 0; x < pole.size; x++)
        if (pole.red(picture, x, y)) {
          seen++;
          border += x == 0 || y == 0 || x == 47 || y == 47;
        }
    EXPECT_GT(seen, 30) << angle; // of a picture's 2304
    EXPECT_EQ(border, 0) << angle;
  }
}

TEST_F(VideoTest, AnOwnCameraThatIsTooNearStepsBack) {
  Drawn wide("<worldbody><body><freejoint/><geom type='capsule' "
             "fromto='-2 0 0 2 0 0' size='.2' rgba='1 0 0 1'/><camera "
             "name='track' mode='trackcom' pos='0 -3 0' xyaxes='1 0 0 0 0 1'/>"
             "</body></worldbody>");
  if (!wide.begin())
    GTEST_SKIP() << wide.why;
  wide.data->qpos[0] = 10;
  const auto picture = wide.draw();
  EXPECT_TRUE(wide.red(picture, 24, 24));
  EXPECT_TRUE(wide.red(picture, 12, 24)); // not too far away either
  EXPECT_FALSE(wide.red(picture, 2, 24));
  EXPECT_FALSE(wide.red(picture, 45, 24));
}

TEST_F(VideoTest, SaysWhatDrawingNeeds) {
  setenv("PHLOX_GL", "glide", 1);
  try {
    make_gl_context();
    ADD_FAILURE();
  } catch (const std::exception &error) {
    EXPECT_STREQ(error.what(), "PHLOX_GL must be egl or osmesa: got 'glide'");
  }
  unsetenv("PHLOX_GL");
}

} // namespace
} // namespace phlox::tools
