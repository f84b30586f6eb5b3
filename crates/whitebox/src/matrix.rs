//! Square matrices over GF(2) of up to 128 rows.
//!
//! A vector of n bits is the number whose most significant bit is the first component; a row is such a vector, too.

use crate::stream::Stream;
use std::vec::Vec;
use zeroize::{Zeroize, ZeroizeOnDrop};

#[derive(Debug, Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Matrix(Vec<u128>);

impl Matrix {
    pub fn identity(size: usize) -> Self {
        Self((0..size).rev().map(|bit| 1 << bit).collect())
    }

    /// From the images of the unit vectors, the first component's first.
    pub fn from_columns(columns: &[u128]) -> Self {
        let size = columns.len();
        let row = |r: usize| columns.iter().fold(0, |row, column| row << 1 | (column >> (size - 1 - r)) & 1);
        Self((0..size).map(row).collect())
    }

    /// The first invertible one of a stream: the rows follow each other, each in size / 8 bytes; a singular matrix is thrown
    /// away whole.
    pub fn random(size: usize, stream: &mut Stream) -> (Self, Self) {
        loop {
            let mut row = || (0..size / 8).fold(0, |row, _| row << 8 | u128::from(stream.byte()));
            let matrix = Self((0..size).map(|_| row()).collect());
            if let Some(inverse) = matrix.inverse() {
                return (matrix, inverse);
            }
        }
    }

    pub fn apply(&self, vector: u128) -> u128 {
        self.0.iter().fold(0, |out, row| out << 1 | u128::from((row & vector).count_ones() & 1))
    }

    pub fn byte(&self, byte: u8) -> u8 {
        self.apply(u128::from(byte)) as u8
    }

    /// This one behind the other.
    pub fn times(&self, first: &Self) -> Self {
        let size = self.0.len();
        let columns: Vec<u128> = (0..size).rev().map(|bit| self.apply(first.apply(1 << bit))).collect();
        Self::from_columns(&columns)
    }

    pub fn inverse(&self) -> Option<Self> {
        let size = self.0.len();
        let (mut rows, mut out) = (self.clone(), Self::identity(size));
        for column in 0..size {
            let bit = 1_u128 << (size - 1 - column);
            let pivot = (column..size).find(|row| rows.0[*row] & bit != 0)?;
            rows.0.swap(column, pivot);
            out.0.swap(column, pivot);
            let (row, out_row) = (rows.0[column], out.0[column]);
            for other in (0..size).filter(|other| *other != column) {
                if rows.0[other] & bit != 0 {
                    rows.0[other] ^= row;
                    out.0[other] ^= out_row;
                }
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use zeroize::Zeroizing;

    #[test]
    fn inverses_and_products() {
        let mut stream = Stream::new(Zeroizing::new([3; 64]));
        for size in [8, 32, 128] {
            let (a, a_inverse) = Matrix::random(size, &mut stream);
            let (b, _) = Matrix::random(size, &mut stream);
            assert_eq!(a.times(&a_inverse), Matrix::identity(size));
            let vector = u128::from_be_bytes(stream.block()) >> (128 - size);
            assert_eq!(a.times(&b).apply(vector), a.apply(b.apply(vector)));
            assert_eq!(a_inverse.apply(a.apply(vector)), vector);
        }
        assert_eq!(Matrix(vec![1; 8]).inverse(), None);
    }
}
