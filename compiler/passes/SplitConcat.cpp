// Splits matrix products of a concat along the contracted axis, where parts
// differ in how often their rows repeat: concat(s, a) w becomes s w_s + a w_a.
// The product with s then runs once per state (phlox-hoist-repeat), or once per
// scan (phlox-hoist-scan). Parts of zeros vanish. Reorders a sum.
#include "compiler/passes/Copies.h"
#include "compiler/passes/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace phlox {
#define GEN_PASS_DEF_SPLITCONCAT
#include "compiler/passes/Passes.h.inc"

namespace {

// what a further product and addition must save
constexpr double kFewestFlops = 2e5;

// operands that form one product
struct Part {
  SmallVector<Value> values;
  int64_t start = 0, extent = 0; // columns of the concat
  Factors rows;                  // aligned over all parts
  bool invariant = false;        // of a scan's iterations
  double share = 1;              // of the rows that remain to be computed

  bool alike(const Part &other) const {
    if (invariant != other.invariant)
      return false;
    for (auto [x, y] : llvm::zip(rows, other.rows))
      if (x.copied != y.copied)
        return false;
    return true;
  }
};

bool swapsLast(TransposeOp op) {
  SmallVector<int64_t> axes(op.getPermutation());
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return llvm::is_sorted(axes);
}

class Splitter {
public:
  explicit Splitter(double leastGain) : leastGain(leastGain) {}
  void run(mlir::Block &block);

private:
  void split(MatmulOp op, Value lhs, bool transposed);
  bool isInvariant(Value value, mlir::Block *block);
  bool findParts(ConcatOp concat, MatmulOp op, SmallVector<Part> &parts);
  double leastGain;
  CopyFinder finder;
};

// computed from a scan's constants alone
bool Splitter::isInvariant(Value value, mlir::Block *block) {
  auto scan = mlir::dyn_cast<ScanOp>(block->getParentOp());
  if (!scan)
    return false;
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  size_t firstConstant = scan.getInits().size() + scan.getXs().size();
  while (!work.empty()) {
    Value each = work.pop_back_val();
    if (!seen.insert(each).second)
      continue;
    if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(each)) {
      if (argument.getArgNumber() < firstConstant)
        return false;
      continue;
    }
    llvm::append_range(work, each.getDefiningOp()->getOperands());
  }
  return true;
}

bool Splitter::findParts(ConcatOp concat, MatmulOp op,
                         SmallVector<Part> &parts) {
  ArrayRef<int64_t> shape = shapeOf(concat.getResult());
  int64_t last = int64_t(shape.size()) - 1, start = 0;
  if (int64_t(concat.getAxis()) != last)
    return false;
  int64_t zeros = 0; // columns
  for (Value value : concat.getOperands()) {
    int64_t extent = shapeOf(value)[last];
    start += extent;
    if (isZero(value)) {
      zeros += extent;
      continue;
    }
    Part part{{value}, start - extent, extent, {}, false, 1};
    if (auto axes = perAxis(finder.of(value).factors, shapeOf(value))) {
      for (const Factors &axis : ArrayRef<Factors>(*axes).drop_back())
        llvm::append_range(part.rows, axis);
    } else {
      for (int64_t rows : shape.drop_back())
        part.rows.push_back({rows, false});
    }
    part.invariant = isInvariant(value, op->getBlock());
    parts.push_back(std::move(part));
  }
  SmallVector<Factors *> lists;
  for (Part &part : parts)
    lists.push_back(&part.rows);
  if (parts.empty() || !align(lists))
    return false;
  // neighbours that repeat alike stay together
  SmallVector<Part> joined;
  for (Part &part : parts) {
    if (!joined.empty() && joined.back().alike(part) &&
        joined.back().start + joined.back().extent == part.start) {
      joined.back().values.push_back(part.values.front());
      joined.back().extent += part.extent;
      continue;
    }
    joined.push_back(std::move(part));
  }
  parts = std::move(joined);
  for (Part &part : parts) {
    part.share = double(sizeOf(part.rows, false)) / double(sizeOf(part.rows));
    if (part.invariant)
      part.share /=
          double(mlir::cast<ScanOp>(op->getBlock()->getParentOp()).getLength());
  }
  // what all parts repeat needs no split; the sum of the products costs
  double cells = double(sizeOf(parts.front().rows)) *
                 double(shapeOf(op.getResult()).back());
  double largest = 0;
  for (Part &part : parts)
    largest = std::max(largest, part.share);
  double saved = 2 * cells * double(zeros) * largest;
  for (Part &part : parts)
    saved += 2 * cells * double(part.extent) * (largest - part.share);
  if (parts.size() == 1)
    return zeros > 0;
  return saved - leastGain * double(parts.size() - 1) * cells >=
         std::max(1.0, leastGain * kFewestFlops);
}

// `lhs` is a concat seen through reshapes that keep its last axis
void Splitter::split(MatmulOp op, Value lhs, bool transposed) {
  while (auto reshape = lhs.getDefiningOp<ReshapeOp>()) {
    if (shapeOf(reshape.getX()).empty() ||
        shapeOf(reshape.getX()).back() != shapeOf(lhs).back())
      return;
    lhs = reshape.getX();
  }
  auto concat = lhs.getDefiningOp<ConcatOp>();
  SmallVector<Part> parts;
  if (!concat || !findParts(concat, op, parts))
    return;
  mlir::OpBuilder before(op);
  Graph g(before, op.getLoc());
  int64_t rank = op.getType().getRank();
  auto operand = [&](const Part &part) {
    Value value = part.values.size() == 1
                      ? part.values.front()
                      : g.make<ConcatOp>(part.values, concat.getAxis());
    SmallVector<int64_t> shape(shapeOf(op.getLhs()));
    if (transposed)
      std::swap(shape[rank - 1], shape[rank - 2]);
    shape[rank - 1] = part.extent;
    if (shapeOf(value) != ArrayRef<int64_t>(shape))
      value = g.reshape(value, shape);
    return transposed ? g.transposeLast(value) : value;
  };
  if (transposed) {
    // rows of the result, zeros where the concat holds zeros
    SmallVector<Value> rows;
    int64_t next = 0, all = shapeOf(op.getLhs())[rank - 2];
    auto fill = [&](int64_t to) {
      SmallVector<int64_t> shape(shapeOf(op.getResult()));
      shape[rank - 2] = to - next;
      if (to > next)
        rows.push_back(g.zeros(op.getType().clone(shape)));
    };
    for (const Part &part : parts) {
      fill(part.start);
      rows.push_back(g.make<MatmulOp>(operand(part), op.getRhs()));
      next = part.start + part.extent;
    }
    fill(all);
    op.getResult().replaceAllUsesWith(g.make<ConcatOp>(rows, rank - 2));
    return;
  }
  // what is computed for fewest rows comes first, and the bias with it
  llvm::sort(parts, [](const Part &x, const Part &y) {
    return std::pair(x.share, x.start) < std::pair(y.share, y.start);
  });
  SmallVector<Value> products;
  for (const Part &part : parts) {
    SmallVector<int64_t> start(rank, 0), size(shapeOf(op.getRhs()));
    start[rank - 2] = part.start;
    size[rank - 2] = part.extent;
    Value weight = g.make<SliceOp>(op.getRhs(), start, size);
    products.push_back(g.make<MatmulOp>(operand(part), weight));
  }
  Value replaced = op.getResult();
  auto sum = [&](Graph &at, Value first) {
    for (Value product : ArrayRef<Value>(products).drop_front())
      first = at.add(first, product);
    return first;
  };
  if (op->hasOneUse())
    if (auto add = mlir::dyn_cast<AddOp>(*op->user_begin())) {
      Value bias = add.getLhs() == replaced ? add.getRhs() : add.getLhs();
      if (finder.of(bias).any()) {
        mlir::OpBuilder later(add);
        Graph at(later, add.getLoc());
        add.getResult().replaceAllUsesWith(
            sum(at, at.add(products.front(), bias)));
        return;
      }
    }
  replaced.replaceAllUsesWith(sum(g, products.front()));
}

void Splitter::run(mlir::Block &block) {
  SmallVector<mlir::Operation *> ops;
  for (mlir::Operation &op : block)
    ops.push_back(&op);
  for (mlir::Operation *op : ops) {
    for (mlir::Region &region : op->getRegions())
      for (mlir::Block &inner : region)
        run(inner);
    auto product = mlir::dyn_cast<MatmulOp>(op);
    if (!product)
      continue;
    split(product, product.getLhs(), false);
    // the gradient of a weight
    if (auto transpose = product.getLhs().getDefiningOp<TransposeOp>())
      if (swapsLast(transpose))
        split(product, transpose.getX(), true);
  }
}

struct SplitConcat : impl::SplitConcatBase<SplitConcat> {
  using SplitConcatBase::SplitConcatBase;
  void runOnOperation() override {
    getOperation()->walk([&](mlir::func::FuncOp function) {
      for (mlir::Block &block : function.getBody())
        Splitter(leastGain).run(block);
    });
  }
};

} // namespace
} // namespace phlox
