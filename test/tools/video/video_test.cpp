// Pictures and videos: what is drawn, and what a decoder finds in the file.
#include "tools/video/encoder.h"
#include "tools/video/renderer.h"
#include <cstdlib>
#include <filesystem>
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

// a red ball that falls on a free joint, seen from the side
constexpr const char *ball = R"(<mujoco>
  <visual><headlight ambient="1 1 1" diffuse="0 0 0"/></visual>
  <worldbody><body name="ball" pos="0 0 5"><freejoint/>
    <geom type="sphere" size=".5" rgba="1 0 0 1"/></body></worldbody>
</mujoco>)";

TEST_F(VideoTest, CameraFollowsWhatMoves) {
  char error[200] = {};
  mjSpec *spec = mj_parseXMLString(ball, nullptr, error, sizeof error);
  ASSERT_NE(spec, nullptr) << error;
  mjModel *model = mj_compile(spec, nullptr);
  mjData *data = mj_makeData(model);
  constexpr int size = 48;
  std::unique_ptr<Renderer> renderer;
  try {
    renderer = std::make_unique<Renderer>(model, size);
  } catch (const std::exception &failure) {
    GTEST_SKIP() << failure.what();
  }
  std::vector<std::uint8_t> picture(3 * size * size);
  for (const double height : {0.0, 50.0, -30.0}) {
    data->qpos[2] = height;
    mj_forward(model, data);
    renderer->draw({model, data, ""}, picture.data(), 3 * size);
    const std::uint8_t *middle = &picture[3 * (size / 2 * size + size / 2)];
    EXPECT_GT(middle[0], 100) << height;
    EXPECT_LT(middle[1], 60) << height;
  }
  std::vector<std::uint8_t> words(picture.size());
  renderer->draw({model, data, "step 7"}, words.data(), 3 * size);
  EXPECT_NE(words, picture);
  renderer.reset();
  mj_deleteData(data);
  mj_deleteModel(model);
  mj_deleteSpec(spec);
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
