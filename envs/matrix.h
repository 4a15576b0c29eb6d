// Small dense float64 matrices: all that the linear-quadratic task needs.
#pragma once
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace phlox::envs {

/// A row-major matrix.
struct Matrix {
  Matrix() = default;
  Matrix(int rows, int cols)
      : rows(rows), cols(cols), numbers(static_cast<std::size_t>(rows) *
                                        static_cast<std::size_t>(cols)) {}
  Matrix(int rows, int cols, std::vector<double> numbers)
      : rows(rows), cols(cols), numbers(std::move(numbers)) {}

  double &operator()(int i, int j) { return numbers[place(i, j)]; }
  double operator()(int i, int j) const { return numbers[place(i, j)]; }

  int rows = 0, cols = 0;
  std::vector<double> numbers;

private:
  std::size_t place(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(cols) +
           static_cast<std::size_t>(j);
  }
};

inline Matrix operator*(const Matrix &a, const Matrix &b) {
  Matrix product(a.rows, b.cols);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k)
      for (int j = 0; j < b.cols; ++j)
        product(i, j) += a(i, k) * b(k, j);
  return product;
}

inline Matrix operator*(double factor, Matrix a) {
  for (double &number : a.numbers)
    number *= factor;
  return a;
}

inline Matrix operator+(Matrix a, const Matrix &b) {
  for (std::size_t k = 0; k < a.numbers.size(); ++k)
    a.numbers[k] += b.numbers[k];
  return a;
}

inline Matrix transposed(const Matrix &a) {
  Matrix result(a.cols, a.rows);
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j)
      result(j, i) = a(i, j);
  return result;
}

inline Matrix identity(int size) {
  Matrix result(size, size);
  for (int i = 0; i < size; ++i)
    result(i, i) = 1;
  return result;
}

inline double trace(const Matrix &a) {
  double sum = 0;
  for (int i = 0; i < a.rows; ++i)
    sum += a(i, i);
  return sum;
}

/// Returns the lower triangular L with L L' = a for a symmetric positive
/// semidefinite a; a direction without variance gets a column of zeros.
///
/// Errors:  std::invalid_argument if a is not symmetric or has a negative
///          pivot.
inline Matrix cholesky(const Matrix &a) {
  double largest = 0;
  for (int i = 0; i < a.rows; ++i)
    largest = std::fmax(largest, std::abs(a(i, i)));
  const double slack = 1e-12 * largest;
  Matrix factor(a.rows, a.rows);
  for (int j = 0; j < a.rows; ++j) {
    double pivot = a(j, j);
    for (int k = 0; k < j; ++k)
      pivot -= factor(j, k) * factor(j, k);
    if (!(pivot >= -slack))
      throw std::invalid_argument("must be positive semidefinite");
    factor(j, j) = pivot > slack ? std::sqrt(pivot) : 0;
    for (int i = j + 1; i < a.rows; ++i) {
      double rest = a(i, j);
      for (int k = 0; k < j; ++k)
        rest -= factor(i, k) * factor(j, k);
      if (std::abs(a(i, j) - a(j, i)) > slack)
        throw std::invalid_argument("must be symmetric");
      if (factor(j, j) == 0 && std::abs(rest) > std::sqrt(slack * largest))
        throw std::invalid_argument("must be positive semidefinite");
      factor(i, j) = factor(j, j) == 0 ? 0 : rest / factor(j, j);
    }
  }
  return factor;
}

/// Returns the inverse of L L' for a lower triangular L.
inline Matrix cholesky_inverse(const Matrix &factor) {
  const int size = factor.rows;
  Matrix inverse(size, size); // of L, forward substitution
  for (int j = 0; j < size; ++j)
    for (int i = j; i < size; ++i) {
      double rest = i == j ? 1 : 0;
      for (int k = j; k < i; ++k)
        rest -= factor(i, k) * inverse(k, j);
      inverse(i, j) = rest / factor(i, i);
    }
  return transposed(inverse) * inverse;
}

} // namespace phlox::envs
