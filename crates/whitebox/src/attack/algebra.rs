//! The table-algebra attack of Billet, Gilbert and Ech-Chatbi (SAC 2004), with Tolhuizen's shortcut in its first step.
//!
//! A column of a round, seen as a function of four encoded bytes, is `y_i = Q_i(Σ_j m_ij S(P_j(x_j)))` with unknown Q and P.
//!
//! 1. Each Q_i is found up to an affine map: the functions of x_0 with x_1 varied, each behind the inverse of the first,
//!    are all `Q_i ∘ (⊕ β) ∘ Q_i⁻¹`, a group like that of addition (`linearize`).
//! 2. Its linear part is found up to a multiplication in AES's field: two outputs are related by known multiples of the
//!    same S-box output (`similar`).
//! 3. That multiplication, the constants and the round key follow from the S-box: the right ones make the input affine
//!    (`finish`).
//!
//! The external encodings do not take part in rounds 2 and 3, where this is done; with the key known they follow, too.

use super::Broken;
use crate::{
    Tables,
    aes128::{self, INVERSE_SBOX, MIX, SBOX, inverse, mul},
    evaluate::SHIFT_ROWS,
    matrix::Matrix,
    secrets::{Affine, Secrets},
};
use core::array::from_fn;
use std::{boxed::Box, vec, vec::Vec};

type Permutation = [u8; 256];

/// Encoded bytes in coordinates that differ from the true ones by an affine map.
#[derive(Clone)]
struct Coordinates {
    of: Permutation,
    encoded: Permutation,
}

/// A round of which everything is known: behind encoded input bytes the S-box's input, behind encoded output bytes the
/// state after `MixColumns`.
struct Round {
    substituted: Vec<Permutation>,
    mixed: Vec<Permutation>,
}

/// Recovers the key and the external encodings. `None` if the tables are not of the kind that this breaks.
#[must_use]
pub fn recover(tables: &Tables<'_>) -> Option<Broken> {
    let coordinates: Vec<Vec<Coordinates>> =
        (0..3).map(|round| all_coordinates(tables, round)).collect::<Option<_>>()?;
    let second = open(tables, 1, &coordinates[0], &coordinates[1])?;
    let third = open(tables, 2, &coordinates[1], &coordinates[2])?;
    let mut round_key = [0; 16];
    for (position, key) in round_key.iter_mut().enumerate() {
        let sum = |byte: usize| second.mixed[position][byte] ^ third.substituted[position][byte];
        *key = sum(0);
        // The same for every byte, or something was taken for what it is not.
        if (1..256).any(|byte| sum(byte) != *key) {
            return None;
        }
    }
    let key = aes128::key_of(&round_key, 2);
    externals(tables, &second, key).map(Broken)
}

fn all_coordinates(tables: &Tables<'_>, round: usize) -> Option<Vec<Coordinates>> {
    let mut all = Vec::new();
    for column in 0..4 {
        // Four functions of x_0 for each x_1.
        let functions: Vec<Box<[[u8; 4]]>> = (0..=255)
            .map(|x1| (0..=255).map(|x0| tables.column(round, column, &[x0, x1, 0, 0], &mut ())).collect())
            .collect();
        for row in 0..4 {
            all.push(linearize(&functions, row)?);
        }
    }
    Some(all)
}

/// Step 1: a basis of the group numbers its elements; where an element takes 0 is the byte with that number.
fn linearize(functions: &[Box<[[u8; 4]]>], row: usize) -> Option<Coordinates> {
    let mut first_inverse = [0; 256];
    for (x0, y) in functions[0].iter().enumerate() {
        first_inverse[usize::from(y[row])] = x0;
    }
    let mut span = vec![0_u8];
    for function in &functions[1..] {
        let element = |y: u8| function[first_inverse[usize::from(y)]][row];
        if !span.contains(&element(0)) {
            span.extend(span.clone().into_iter().map(element));
        }
        if span.len() >= 256 {
            break;
        }
    }
    let encoded: Permutation = span.try_into().ok()?;
    Some(Coordinates { of: inverted(&encoded)?, encoded })
}

fn inverted(permutation: &Permutation) -> Option<Permutation> {
    let mut out = [None; 256];
    for (from, to) in permutation.iter().enumerate() {
        out[usize::from(*to)] = Some(from as u8);
    }
    let out: Vec<u8> = out.into_iter().collect::<Option<_>>()?;
    out.try_into().ok()
}

/// Steps 2 and 3 for all columns of a round.
fn open(tables: &Tables<'_>, round: usize, inputs: &[Coordinates], outputs: &[Coordinates]) -> Option<Round> {
    let mut opened = Round { substituted: vec![[0; 256]; 16], mixed: vec![[0; 256]; 16] };
    for column in 0..4 {
        let positions: [usize; 4] = from_fn(|row| SHIFT_ROWS[4 * column + row]);
        // In affine coordinates on both sides: one input byte varies, the others are those of coordinate 0.
        let seen = |varied: usize, value: u8| -> [u8; 4] {
            let bytes =
                from_fn(|row| inputs[positions[row]].encoded[usize::from(if row == varied { value } else { 0 })]);
            let out = tables.column(round, column, &bytes, &mut ());
            from_fn(|row| outputs[4 * column + row].of[usize::from(out[row])])
        };
        let seen: [Vec<[u8; 4]>; 4] = from_fn(|varied| (0..=255).map(|value| seen(varied, value)).collect());
        finish(&seen, &positions, column, inputs, outputs, &mut opened)?;
    }
    Some(opened)
}

/// Step 2: the linear part of output `i`'s coordinates, up to a multiplication.
fn similar(seen: &[Vec<[u8; 4]>; 4], i: usize) -> Option<Matrix> {
    // Another output, such that the known factor generates the field.
    let (k, factor) = (0..4).filter(|k| *k != i).find_map(|k| {
        let factor = mul(mul(MIX[i][0], MIX[k][1]), inverse(mul(MIX[k][0], MIX[i][1])));
        let fourth = (0..4).fold(factor, |power, _| mul(power, power));
        (fourth != factor).then_some((k, factor))
    })?;
    let related = |varied: usize| -> Option<Matrix> {
        let change = |value: usize, row: usize| u128::from(seen[varied][value][row] ^ seen[varied][0][row]);
        let (mut from, mut to, mut span) = (Vec::new(), Vec::new(), vec![0]);
        for value in 1..256 {
            let vector = change(value, k);
            if !span.contains(&vector) {
                span.extend(span.clone().into_iter().map(|other| other ^ vector));
                from.push(vector);
                to.push(change(value, i));
            }
        }
        if from.len() != 8 {
            return None;
        }
        Some(Matrix::from_columns(&to).times(&Matrix::from_columns(&from).inverse()?))
    };
    let product = related(0)?.times(&related(1)?.inverse()?);
    // The product is similar to the multiplication by the factor; powers of both, applied to one vector, give the map.
    let powers = |start: u128, next: &dyn Fn(u128) -> u128| {
        Matrix::from_columns(&core::iter::successors(Some(start), |last| Some(next(*last))).take(8).collect::<Vec<_>>())
    };
    let image = powers(1, &|vector| product.apply(vector));
    let field = powers(1, &|element| u128::from(mul(element as u8, factor)));
    Some(image.times(&field.inverse()?))
}

/// Step 3 for one column.
fn finish(
    seen: &[Vec<[u8; 4]>; 4],
    positions: &[usize; 4],
    column: usize,
    inputs: &[Coordinates],
    outputs: &[Coordinates],
    opened: &mut Round,
) -> Option<()> {
    let maps: Vec<Matrix> = (0..4).map(|i| similar(seen, i)).collect::<Option<_>>()?;
    let inverses: Vec<Matrix> = maps.iter().map(Matrix::inverse).collect::<Option<_>>()?;
    // What is left of output i when input j varies: a multiple of the S-box's output, and a constant.
    let left = |i: usize, j: usize| -> Vec<u8> { (0..256).map(|value| inverses[i].byte(seen[j][value][i])).collect() };
    let mut factors = [0; 4];
    for (i, factor) in factors.iter_mut().enumerate() {
        let left = left(i, 0);
        let scale = (1..=255).find(|scale| affine_behind(&left, *scale).is_some())?;
        *factor = mul(scale, MIX[i][0]);
    }
    // What the S-boxes of this column are given, by coordinate.
    let mut given = Vec::with_capacity(4);
    for j in 0..4 {
        let map = affine_behind(&left(0, j), mul(factors[0], inverse(MIX[0][j])))?;
        for byte in 0..256 {
            opened.substituted[positions[j]][byte] = map[usize::from(inputs[positions[j]].of[byte])];
        }
        given.push(map);
    }
    for i in 0..4 {
        let sum = (0..4).fold(0, |sum, j| sum ^ mul(MIX[i][j], SBOX[usize::from(given[j][0])]));
        let true_value = |coordinate: u8| mul(inverses[i].byte(coordinate), factors[i]);
        let constant = true_value(seen[0][0][i]) ^ sum;
        for byte in 0..256 {
            let place = 4 * column + i;
            opened.mixed[place][byte] = true_value(outputs[place].of[byte]) ^ constant;
        }
    }
    Some(())
}

/// The affine map `x ↦ S⁻¹(scale · left(x) ⊕ c)`, if there is a constant c that makes it one.
fn affine_behind(left: &[u8], scale: u8) -> Option<Permutation> {
    let scaled: Permutation = from_fn(|x| mul(scale, left[x]));
    (0..=255).find_map(|constant: u8| {
        let map = |x: usize| INVERSE_SBOX[usize::from(scaled[x] ^ constant)];
        let zero = map(0);
        let is_affine = (1..256_usize).all(|x| {
            let lowest = x & x.wrapping_neg();
            map(x) ^ map(x ^ lowest) == map(lowest) ^ zero
        });
        is_affine.then(|| from_fn(map))
    })
}

/// The external encodings, from 129 evaluations each.
fn externals(tables: &Tables<'_>, second: &Round, key: [u8; 16]) -> Option<Secrets> {
    let schedule = aes128::expand(&key);
    // What the cipher is given for a block: the known state before the second round's key, taken back by one round.
    let given = |block: u128| {
        let state = tables.round(0, &tables.enter(&block.to_be_bytes(), &mut ()), &mut ());
        let state: [u8; 16] = from_fn(|i| second.substituted[i][usize::from(state[i])]);
        let mut before = aes128::undo(xor(state, schedule[1]), true);
        // `substituted` holds the key of its own round, which the exclusive-or above took away, and the key of the first.
        aes128::add(&mut before, &schedule[0]);
        u128::from_be_bytes(before)
    };
    let input = affine(&given);
    let preimage = input.matrix.inverse()?;
    let output = affine(&|wanted: u128| {
        let plain = u128::from_be_bytes(aes128::decrypt(&schedule, &wanted.to_be_bytes()));
        u128::from_be_bytes(tables.block(&preimage.apply(plain ^ input.constant).to_be_bytes()))
    });
    Some(Secrets { key, input, output })
}

fn affine(map: &dyn Fn(u128) -> u128) -> Affine {
    let constant = map(0);
    let columns: Vec<u128> = (0..128).rev().map(|bit| map(1 << bit) ^ constant).collect();
    Affine { matrix: Matrix::from_columns(&columns), constant }
}

fn xor(mut state: [u8; 16], key: [u8; 16]) -> [u8; 16] {
    aes128::add(&mut state, &key);
    state
}
