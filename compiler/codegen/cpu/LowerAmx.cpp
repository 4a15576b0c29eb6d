#include "compiler/codegen/cpu/LowerAmx.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace phlox::cpu {
namespace {
namespace LLVM = mlir::LLVM;
namespace amx = mlir::amx;
namespace arith = mlir::arith;
namespace scf = mlir::scf;
namespace vector = mlir::vector;
using mlir::Value;
using mlir::ValueRange;

constexpr int64_t kRowBytes = 64, kTileBytes = 1024;

// Emits loops over a tile's rows. A tile is the address of 1 KB on the stack.
struct Emulation {
  mlir::ImplicitLocOpBuilder b;
  mlir::Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  mlir::VectorType words = mlir::VectorType::get({16}, b.getI32Type());
  mlir::VectorType reals = mlir::VectorType::get({16}, b.getF32Type());

  Emulation(mlir::Operation *op, mlir::OpBuilder &rewriter)
      : b(op->getLoc(), rewriter) {}

  Value number(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  Value tile(mlir::Operation *op) {
    mlir::OpBuilder::InsertionGuard guard(b);
    auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
    b.setInsertionPointToStart(&function.getBody().front());
    return LLVM::AllocaOp::create(b, pointer, b.getI8Type(), number(kTileBytes),
                                  64);
  }
  Value at(Value base, Value index, Value stride) {
    Value bytes = arith::MulIOp::create(b, index, stride);
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                               llvm::ArrayRef<LLVM::GEPArg>{bytes});
  }
  Value load(mlir::Type type, Value address) {
    return LLVM::LoadOp::create(b, type, address, 4);
  }
  void store(Value value, Value address) {
    LLVM::StoreOp::create(b, value, address, 4);
  }
  llvm::SmallVector<Value>
  loop(int64_t count, ValueRange inits,
       llvm::function_ref<llvm::SmallVector<Value>(Value, ValueRange)> body) {
    auto loop =
        scf::ForOp::create(b, number(0), number(count), number(1), inits);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (!inits.empty())
      scf::YieldOp::create(b, next);
    return llvm::SmallVector<Value>(loop.getResults());
  }
  void copy(amx::TileType type, Value from, Value fromStride, Value to,
            Value toStride) {
    auto row = mlir::VectorType::get(type.getShape()[1], type.getElementType());
    auto bytes = row.getNumElements() * row.getElementTypeBitWidth() / 8;
    auto moved = mlir::VectorType::get({bytes / 4}, b.getI32Type());
    loop(type.getShape()[0], {}, [&](Value i, ValueRange) {
      store(load(moved, at(from, i, fromStride)), at(to, i, toStride));
      return llvm::SmallVector<Value>();
    });
  }
  // the two bf16 of each word, as f32
  std::pair<Value, Value> halves(Value word) {
    auto type = mlir::cast<mlir::VectorType>(word.getType());
    auto all = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(
          b, mlir::DenseElementsAttr::get(type, value));
    };
    Value even = arith::ShLIOp::create(b, word, all(16));
    Value odd = arith::AndIOp::create(b, word, all(int32_t(0xffff0000)));
    return {arith::BitcastOp::create(b, reals, even),
            arith::BitcastOp::create(b, reals, odd)};
  }
};

template <class Op> struct Pattern : mlir::ConvertOpToLLVMPattern<Op> {
  using mlir::ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  using Adaptor = typename Op::Adaptor;
  using Rewriter = mlir::ConversionPatternRewriter;

  // address and distance of rows, in bytes
  std::pair<Value, Value> rows(Op op, Adaptor adaptor, Emulation &e,
                               Rewriter &rewriter) const {
    auto type = op.getMemRefType();
    auto strides = type.getStridesAndOffset().first;
    auto bytes = type.getElementTypeBitWidth() / 8;
    return {this->getStridedElementPtr(rewriter, op.getLoc(), type,
                                       adaptor.getBase(), adaptor.getIndices()),
            e.number(strides[strides.size() - 2] * bytes)};
  }
};

struct Zero : Pattern<amx::TileZeroOp> {
  using Pattern::Pattern;
  mlir::LogicalResult matchAndRewrite(amx::TileZeroOp op, OpAdaptor,
                                      Rewriter &rewriter) const override {
    Emulation e(op, rewriter);
    Value tile = e.tile(op);
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(e.words));
    e.loop(op.getTileType().getShape()[0], {}, [&](Value i, ValueRange) {
      e.store(zero, e.at(tile, i, e.number(kRowBytes)));
      return llvm::SmallVector<Value>();
    });
    rewriter.replaceOp(op, tile);
    return mlir::success();
  }
};

struct Load : Pattern<amx::TileLoadOp> {
  using Pattern::Pattern;
  mlir::LogicalResult matchAndRewrite(amx::TileLoadOp op, OpAdaptor adaptor,
                                      Rewriter &rewriter) const override {
    if (op.getStride())
      return rewriter.notifyMatchFailure(op, "has a stride of its own");
    Emulation e(op, rewriter);
    Value tile = e.tile(op);
    auto [from, stride] = rows(op, adaptor, e, rewriter);
    e.copy(op.getTileType(), from, stride, tile, e.number(kRowBytes));
    rewriter.replaceOp(op, tile);
    return mlir::success();
  }
};

struct Store : Pattern<amx::TileStoreOp> {
  using Pattern::Pattern;
  mlir::LogicalResult matchAndRewrite(amx::TileStoreOp op, OpAdaptor adaptor,
                                      Rewriter &rewriter) const override {
    if (op.getStride())
      return rewriter.notifyMatchFailure(op, "has a stride of its own");
    Emulation e(op, rewriter);
    auto [to, stride] = rows(op, adaptor, e, rewriter);
    e.copy(op.getTileType(), adaptor.getVal(), e.number(kRowBytes), to, stride);
    rewriter.eraseOp(op);
    return mlir::success();
  }
};

// Even and odd terms are summed apart, from 0, and join the sum at the end.
// Source: Intel's manual, TDPBF16PS; a Granite Rapids gave the same bits.
struct Multiply : Pattern<amx::TileMulFOp> {
  using Pattern::Pattern;
  mlir::LogicalResult matchAndRewrite(amx::TileMulFOp op, OpAdaptor adaptor,
                                      Rewriter &rewriter) const override {
    auto sums = op.getTileType(), lhs = op.getLhsTileType();
    if (sums.getShape()[1] != 16 || !lhs.getElementType().isBF16())
      return rewriter.notifyMatchFailure(op, "not 16 columns of bf16");
    Emulation e(op, rewriter);
    auto &b = e.b;
    Value stride = e.number(kRowBytes), word = e.number(4);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(e.reals));
    e.loop(sums.getShape()[0], {}, [&](Value row, ValueRange) {
      Value left = e.at(adaptor.getLhs(), row, stride);
      auto both = e.loop(
          lhs.getShape()[1] / 2, ValueRange{zero, zero},
          [&](Value pair, ValueRange carried) {
            Value terms = vector::BroadcastOp::create(
                b, e.words, e.load(b.getI32Type(), e.at(left, pair, word)));
            Value columns =
                e.load(e.words, e.at(adaptor.getRhs(), pair, stride));
            auto [x0, x1] = e.halves(terms);
            auto [y0, y1] = e.halves(columns);
            return llvm::SmallVector<Value>{
                vector::FMAOp::create(b, x0, y0, carried[0]),
                vector::FMAOp::create(b, x1, y1, carried[1])};
          });
      Value sum = e.at(adaptor.getAcc(), row, stride);
      Value products = arith::AddFOp::create(b, both[0], both[1]);
      e.store(arith::AddFOp::create(b, e.load(e.reals, sum), products), sum);
      return llvm::SmallVector<Value>();
    });
    rewriter.replaceOp(op, adaptor.getAcc());
    return mlir::success();
  }
};

// products add to their sum in place
llvm::Error checkSums(mlir::ModuleOp module) {
  auto walked = module.walk([](amx::TileMulFOp op) {
    return op.getAcc().hasOneUse() ? mlir::WalkResult::advance()
                                   : mlir::WalkResult::interrupt();
  });
  if (walked.wasInterrupted())
    return llvm::createStringError(
        "emulated AMX: a tile of sums must be read once: got twice");
  return llvm::Error::success();
}
} // namespace

llvm::Error lowerAmx(mlir::ModuleOp module, Amx amx) {
  auto *context = module.getContext();
  mlir::LLVMTypeConverter types(context);
  mlir::RewritePatternSet patterns(context);
  mlir::LLVMConversionTarget target(*context);
  target.addLegalDialect<arith::ArithDialect, vector::VectorDialect>();
  if (amx == Amx::emulated) {
    if (auto error = checkSums(module))
      return error;
    types.addConversion([](amx::TileType type) {
      return LLVM::LLVMPointerType::get(type.getContext());
    });
    patterns.add<Zero, Load, Store, Multiply>(types);
    arith::populateExpandBFloat16Patterns(patterns);
    target.addDynamicallyLegalOp<arith::TruncFOp>([](arith::TruncFOp op) {
      return !mlir::getElementTypeOrSelf(op.getType()).isBF16();
    });
  } else {
    mlir::populateAMXLegalizeForLLVMExportPatterns(types, patterns);
  }
  mlir::configureAMXLegalizeForExportTarget(target);
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
  if (mlir::failed(
          mlir::applyPartialConversion(module, target, std::move(patterns))))
    return llvm::createStringError("lowering of AMX failed");
  return llvm::Error::success();
}

} // namespace phlox::cpu
