#include "test/fuzz/maker.h"
#include <algorithm>

namespace phlox::fuzz {

namespace {
constexpr int64_t kMostElements = 150000; // of one tensor
}

int64_t countOf(const Extents &shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

Sizes chooseSizes(Choices &choices) {
  // around tiles and vectors; large ones are rare, as they take time
  static const std::vector<int64_t> rows = {
      1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 17, 31, 32, 33, 63, 64, 65, 96, 127};
  static const std::vector<int64_t> widths = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 15, 16, 17, 31, 32, 33, 48};
  Sizes sizes;
  sizes.rows = choices.of(rows);
  // from 1024 rows on, products may run tile by tile
  static const std::vector<int64_t> many = {1023, 1024, 1025, 1040, 1152, 1280};
  bool isLarge = choices.once(8);
  if (isLarge)
    sizes.rows = choices.of(many);
  for (int i = 0; i < 3; i++)
    sizes.widths.push_back(choices.of(widths));
  sizes.widths.push_back(1);
  if (choices.once(6))
    sizes.widths.push_back(64 + choices.pick(3) * 33); // 64, 97, 130
  if (isLarge && choices.once(4))
    sizes.widths.push_back(112);
  return sizes;
}

Extents Sizes::shape(Choices &choices, int64_t most) const {
  static const std::vector<int64_t> ranks = {2, 1, 2, 3, 0, 2, 4};
  int64_t rank = std::min(choices.of(ranks), most);
  Extents result;
  for (int64_t i = 0; i < rank; i++)
    result.push_back(i == 0 && !choices.once(4) ? rows : width(choices));
  while (countOf(result) > kMostElements)
    result.pop_back();
  return result;
}

Maker::Maker(Entry &entry, std::vector<Leaf> leaves, Leaf counter, Sizes sizes,
             Choices &frame)
    : entry(entry), sizes(std::move(sizes)), leaves(std::move(leaves)),
      counter(counter), choices(&frame) {
  for (const Leaf &leaf : this->leaves)
    values.push_back(entry.read(leaf));
  values.push_back(entry.input(name("x"), this->sizes.shape(frame, 4)));
}

std::string Maker::name(const char *prefix) {
  return prefix + std::to_string(named++);
}

const Tensor &Maker::late(const std::vector<Tensor> &list) const {
  // 0 is the last one
  int64_t count = int64_t(list.size());
  int64_t back = choices->once(3) ? choices->pick(count)
                                  : choices->pick(std::min<int64_t>(count, 3));
  return list[count - 1 - back];
}

bool Maker::isSmall(const Extents &shape) const {
  int64_t count = countOf(shape);
  return count <= kMostElements && count <= budget && shape.size() <= 4;
}

void Maker::keep(const Tensor &value) {
  budget -= countOf(value.shape());
  switch (value.element()) {
  case Element::truth:
    return truths.push_back(value);
  case Element::index:
    return indices.push_back(value);
  case Element::count:
    return counts.push_back(value);
  default:
    return values.push_back(value);
  }
}

Tensor Maker::ofRank(int64_t least) {
  Tensor x = any();
  while (x.rank() < least)
    x = expand(x, choices->pick(x.rank() + 1));
  return x;
}

Tensor Maker::input(const Extents &shape) {
  if (depth > 0)
    return fit(any(), shape);
  for (const Leaf &leaf : leaves)
    if (leaf.shape() == shape && choices->once(3))
      return entry.read(leaf);
  // "s": numbers where functions bend among them
  return entry.input(name(choices->once(5) ? "s" : "x"), shape);
}

Operand Maker::like(const Extents &shape) {
  static const std::vector<double> numbers = {0.5, -1, 2, 0.1, 1, -0.3, 0};
  auto fits = [&](const Extents &from) {
    if (from.size() > shape.size())
      return false;
    for (size_t i = 0; i < from.size(); i++)
      if (int64_t d = from[from.size() - 1 - i];
          d != 1 && d != shape[shape.size() - 1 - i])
        return false;
    return true;
  };
  std::vector<Tensor> fitting;
  for (const Tensor &value : values)
    if (fits(value.shape()))
      fitting.push_back(value);
  switch (choices->pick(4)) {
  case 0:
    if (!fitting.empty())
      return late(fitting);
    [[fallthrough]];
  case 1:
    return fit(any(), shape);
  case 2:
    return choices->of(numbers);
  default: { // some axes missing or of extent 1
    Extents part = shape;
    for (int64_t &extent : part)
      if (choices->once(3))
        extent = 1;
    if (!part.empty() && choices->once(4))
      part.erase(part.begin());
    return input(part);
  }
  }
}

Tensor Maker::fit(const Tensor &x, const Extents &shape) {
  if (x.shape() == shape)
    return x;
  if (countOf(x.shape()) == countOf(shape))
    return reshape(x, shape);
  Tensor y = x;
  auto rank = int64_t(shape.size());
  if (y.rank() > rank) { // leading axes become one
    Extents from = y.shape();
    Extents joined(from.end() - rank, from.end());
    int64_t rest = countOf(from) / countOf(joined);
    if (rank == 0)
      return choices->once(2) ? mean(y)
                              : reshape(slice(y, Extents(from.size()),
                                              Extents(from.size(), 1)),
                                        {});
    joined[0] *= rest;
    y = reshape(y, joined);
  }
  while (y.rank() < rank)
    y = expand(y, 0);
  Extents from = y.shape(), start(rank), part(rank), high(rank);
  bool pads = choices->once(2);
  for (int64_t a = 0; a < rank; a++) {
    part[a] = std::min(from[a], shape[a]);
    if (part[a] < shape[a] && !pads)
      part[a] = 1;
    start[a] = choices->pick(from[a] - part[a] + 1);
    high[a] = pads ? shape[a] - part[a] : 0;
  }
  if (part != from)
    y = slice(y, start, part);
  if (pads)
    return pad(y, Extents(rank), high);
  return broadcast(y, shape);
}

Tensor Maker::truth(const Extents &shape) {
  for (const Tensor &known : truths)
    if (known.shape() == shape && choices->once(2))
      return known;
  static const std::vector<Comparison> directions = {
      Comparison::lt, Comparison::le, Comparison::gt,
      Comparison::ge, Comparison::eq, Comparison::ne};
  if (depth == 0 && choices->once(4))
    return entry.input(name("t"), shape, Element::truth);
  return compare(choices->of(directions), fit(any(), shape), like(shape));
}

Tensor Maker::index(const Extents &shape) {
  for (const Tensor &known : indices)
    if (known.shape() == shape && !choices->once(3))
      return known;
  if (depth == 0 && !choices->once(4))
    return entry.input(name("i"), shape, Element::index);
  return convert(abs(fit(any(), shape)) * 3, Element::index);
}

Tensor Maker::occasion() {
  switch (depth > 0 ? 2 : choices->pick(3)) {
  case 0:
    return compare(Comparison::eq,
                   countrem(entry.read(counter), 1 + choices->pick(4)),
                   entry.count(0));
  case 1:
    return entry.input(name("t"), {}, Element::truth);
  default:
    return fit(any(), {}) > 0;
  }
}

Tensor Maker::tame(const Tensor &x) {
  switch (choices->pick(3)) {
  case 0:
    return tanh(x);
  case 1:
    return x;
  default:
    return clip(x, -2, 2);
  }
}

Key Maker::key() {
  if (!drawn)
    drawn.emplace(entry.input(name("n"), {}, Element::count),
                  entry.read(counter), "f");
  return *drawn;
}

const std::vector<Kind> &allKinds() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all;
    for (auto part : {pointwiseKinds(), shapeKinds(), structureKinds(),
                      controlKinds(), idiomKinds()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return kinds;
}

void Maker::step(Choices &decisions) {
  Choices *outer = choices;
  choices = &decisions;
  int total = 0;
  for (const Kind &kind : allKinds())
    total += depth == 0 || kind.inBodies ? kind.weight : 0;
  int64_t at = choices->pick(total);
  for (const Kind &kind : allKinds()) {
    if (depth > 0 && !kind.inBodies)
      continue;
    at -= kind.weight;
    if (at < 0) {
      kind.make(*this);
      break;
    }
  }
  choices = outer;
}

void Maker::finish(Choices &frame) {
  choices = &frame;
  for (const Leaf &leaf : leaves)
    if (!frame.once(3)) {
      Tensor old = entry.read(leaf), next = fit(any(), leaf.shape());
      entry.write(leaf, frame.once(2) ? old * 0.9 + next * 0.1 : next);
    }
  if (frame.once(2))
    entry.write(counter, countadd(entry.read(counter), 1));
  // all that nobody reads, and one value that others read too
  entry.output(name("y"), any());
  for (const auto *list : {&values, &truths, &indices, &counts})
    for (const Tensor &value : *list)
      if (value.value().use_empty() && value.value().getDefiningOp())
        entry.output(name("y"), value);
}

} // namespace phlox::fuzz
