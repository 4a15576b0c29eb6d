// Steps of derivatives, loops, noise and conditions.
#include "test/fuzz/maker.h"

namespace phlox::fuzz {
namespace {

Tensor lossOf(Maker &m) {
  Tensor x = m.any();
  switch (m.choose().pick(4)) {
  case 0:
    return mean(square(x));
  case 1:
    return mean(tanh(x));
  case 2:
    return sum(x) * (1 / double(countOf(x.shape())));
  default:
    return mean(x * m.like(x.shape()));
  }
}

void gradient(Maker &m) {
  Tensor loss = lossOf(m);
  std::vector<Tensor> wrt;
  for (int64_t i = 1 + m.choose().pick(3); i > 0; i--)
    wrt.push_back(m.any());
  for (const Tensor &slope : grad(loss, wrt))
    m.keep(slope);
}

void direction(Maker &m) {
  Tensor y = m.any(), x = m.values[m.choose().pick(int64_t(m.values.size()))];
  m.keep(m.tame(jvp(y, {x}, {m.fit(m.any(), x.shape())})));
}

// a penalty on a slope, as of a critic
void secondGradient(Maker &m) {
  Tensor x = m.any(), w = m.any();
  Tensor slope = grad(lossOf(m), {x})[0];
  m.keep(grad(mean(square(slope)), {w})[0]);
}

void loop(Maker &m) {
  int64_t length = 1 + m.choose().pick(4);
  std::vector<Tensor> inits = {m.any()}, xs;
  if (m.choose().once(2))
    inits.push_back(m.fit(m.any(), m.sizes.shape(m.choose(), 2)));
  if (m.choose().once(2)) {
    Extents shape = m.sizes.shape(m.choose(), 3);
    shape.insert(shape.begin(), length);
    if (m.isSmall(shape))
      xs.push_back(m.fit(m.any(), shape));
  }
  bool isReversed = m.choose().once(3), swaps = m.choose().once(3);
  int64_t steps = 1 + m.choose().pick(3);
  auto values = m.values, truths = m.truths, indices = m.indices,
       counts = m.counts;
  int64_t budget = m.budget;
  m.budget = budget / 8;
  m.depth++;
  ScanStep result = scan(
      length, inits, xs,
      [&](const std::vector<Tensor> &carries, const std::vector<Tensor> &rows) {
        m.values.insert(m.values.end(), rows.begin(), rows.end());
        m.values.insert(m.values.end(), carries.begin(), carries.end());
        for (int64_t i = 0; i < steps; i++)
          m.step(m.choose());
        ScanStep step;
        for (const Tensor &carry : carries)
          step.carries.push_back(tanh(m.fit(m.any(), carry.shape()) + carry));
        if (swaps && carries.size() == 2 &&
            carries[0].shape() == carries[1].shape())
          std::swap(step.carries[0], step.carries[1]);
        if (m.choose().once(2))
          step.ys.push_back(m.any());
        return step;
      },
      isReversed);
  m.depth--;
  m.budget = budget;
  m.values = values;
  m.truths = truths;
  m.indices = indices;
  m.counts = counts;
  for (const Tensor &carry : result.carries)
    m.keep(carry);
  for (const Tensor &y : result.ys)
    if (y.rank() <= 4)
      m.keep(y);
}

void noise(Maker &m) {
  Extents shape = m.sizes.shape(m.choose(), 3);
  Key key = m.key();
  std::string name = m.name("noise");
  switch (m.choose().pick(5)) {
  case 0:
    return m.keep(key.normal(name, shape));
  case 1:
    return m.keep(key.uniform(name, shape));
  case 2:
    return m.keep(key.sign(name, shape));
  case 3: {
    Tensor low = tanh(m.fit(m.any(), shape)) * 2;
    return m.keep(key.truncnormal(name, low - 1, low + 1));
  }
  default: {
    Tensor x = m.any();
    return m.keep(x + key.normal(name, x.shape()) * 0.1);
  }
  }
}

// a part that a condition of the whole step switches off
void occasionally(Maker &m) {
  Tensor x = m.any(), condition = m.occasion();
  Tensor other = m.fit(m.any(), x.shape());
  if (m.choose().once(2))
    other = mish(other) * 0.5;
  m.keep(select(x.rank() == 0 ? condition : broadcast(condition, x.shape()),
                other, x));
}

} // namespace

std::vector<Kind> controlKinds() {
  return {{"grad", 8, true, gradient},
          {"jvp", 3, true, direction},
          {"grad of grad", 1, false, secondGradient},
          {"scan", 4, false, loop},
          {"noise", 4, false, noise},
          {"occasion", 4, true, occasionally}};
}

} // namespace phlox::fuzz
