#include "rl/algorithms/renorm.h"

namespace phlox::rl {
namespace {

Tensor tensor(const Operand &limit, const Tensor &like) {
  return limit.is_number() ? fill(like, {}, limit.number) : limit.tensor;
}

} // namespace

BatchRenorm::BatchRenorm(Program &program, const std::string &name,
                         int64_t features, double rate, double epsilon)
    : parameters_({program.leaf(name + "/scale", {features}),
                   program.leaf(name + "/shift", {features})}),
      statistics_({program.leaf(name + "/mean", {features}),
                   program.leaf(name + "/variance", {features})}),
      rate_(rate), epsilon_(epsilon) {}

void BatchRenorm::init(Entry &entry) const {
  entry.write(parameters_.leaves()[0], 1);
  entry.write(parameters_.leaves()[1], 0);
  entry.write(statistics_.leaves()[0], 0);
  entry.write(statistics_.leaves()[1], 1);
}

Tensor BatchRenorm::train(Entry &entry, const std::vector<Tensor> &parameters,
                          const Tensor &x, const RenormLimits &limits) const {
  int64_t features = x.extent(-1), rows = 1;
  for (int64_t axis = 0; axis + 1 < x.rank(); ++axis)
    rows *= x.extent(axis);
  Tensor flat = reshape(x, {rows, features});
  Tensor batch_mean = mean(flat, 0);                  // (F)
  Tensor off = flat - batch_mean;                     // (B, F)
  Tensor batch_variance = mean(square(off), 0);       // (F)
  Tensor deviation = sqrt(batch_variance + epsilon_); // (F)

  auto running = statistics_.read(entry);
  Tensor running_deviation = sqrt(running[1] + epsilon_);
  Tensor r_max = tensor(limits.r_max, x), d_max = tensor(limits.d_max, x);
  Tensor r = clip(deviation / running_deviation, 1 / r_max, r_max);
  Tensor d = clip((batch_mean - running[0]) / running_deviation, -d_max, d_max);
  Tensor normal = off / deviation * stopgradient(r) + stopgradient(d);

  Tensor seen[] = {batch_mean, batch_variance};
  for (int i = 0; i < 2; ++i)
    entry.write(statistics_.leaves()[i],
                running[i] + rate_ * stopgradient(seen[i] - running[i]));
  return reshape(normal * parameters[0] + parameters[1], x.shape());
}

Tensor BatchRenorm::infer(Entry &entry, const std::vector<Tensor> &parameters,
                          const Tensor &x) const {
  auto running = statistics_.read(entry);
  Tensor normal = (x - running[0]) / sqrt(running[1] + epsilon_);
  return normal * parameters[0] + parameters[1];
}

} // namespace phlox::rl
