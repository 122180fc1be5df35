//! The products' inner loops, on registers. Each is generic over the vector unit, chosen at run time: AVX-512, AVX2
//! with FMA, NEON, or plain floats.

use pulp::Simd;

/// Rows of a tile: with four vectors of columns, 24 of AVX-512's 32 registers; with two, 12 of AVX2's 16.
pub(super) const TILE_ROWS: usize = 6;
/// Inputs of a tile of the input's gradient.
pub(super) const TILE_INPUTS: usize = 4;
/// Floats of a cache line.
pub(super) const LINE: usize = 16;

/// What a tile asks to be fetched into the second-level cache while it runs, so that reading the weights and computing
/// overlap.
#[derive(Clone, Copy)]
pub(super) struct Prefetch {
    /// Elements from the tile's first weight to the first line to fetch; may be past the end of the tensor.
    pub(super) ahead: usize,
    /// Cache lines for each step of the tile's loop.
    pub(super) lines: usize,
}

impl Prefetch {
    #[inline(always)]
    fn step(self, weights: &[f32], step: usize) {
        for line in 0..self.lines {
            prefetch(weights.as_ptr().wrapping_add(self.ahead + (step * self.lines + line) * LINE));
        }
    }
}

#[inline(always)]
fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch is a hint: it reads nothing and cannot fault, wherever the address points.
        #[expect(unsafe_code, reason = "the intrinsic takes a raw pointer")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(address.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// A matrix inside a slice: row `i` begins at `i * stride`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub(super) fn row(self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..]
    }

    #[inline(always)]
    pub(super) fn from(self, row: usize, column: usize) -> Self {
        Self { data: &self.data[row * self.stride + column..], ..self }
    }
}

/// `sum[r][c] += Σ_k x[r][k] weights[k][c]` for `R` rows, `V` vectors of columns and `steps` values of k.
#[inline(always)]
pub(super) fn add_product<S: Simd, const R: usize, const V: usize>(
    simd: S,
    (sum, sum_stride): (&mut [f32], usize),
    x: Rows<'_>,
    weights: Rows<'_>,
    steps: usize,
    fetch: Prefetch,
) {
    let mut acc = [[simd.splat_f32s(0.0); V]; R];
    for (r, acc) in acc.iter_mut().enumerate() {
        let (from, _) = S::as_simd_f32s(&sum[r * sum_stride..]);
        acc.copy_from_slice(&from[..V]);
    }
    let x: [&[f32]; R] = std::array::from_fn(|r| &x.row(r)[..steps]);
    for k in 0..steps {
        fetch.step(weights.data, k);
        let (row, _) = S::as_simd_f32s(&weights.row(k)[..V * S::F32_LANES]);
        let row: [S::f32s; V] = std::array::from_fn(|v| row[v]);
        for (acc, x) in acc.iter_mut().zip(&x) {
            let x = simd.splat_f32s(x[k]);
            for (acc, w) in acc.iter_mut().zip(row) {
                *acc = simd.mul_add_f32s(x, w, *acc);
            }
        }
    }
    for (r, acc) in acc.iter().enumerate() {
        let (to, _) = S::as_mut_simd_f32s(&mut sum[r * sum_stride..]);
        to[..V].copy_from_slice(acc);
    }
}

/// Sums of products over the columns of a row, one vector of partial sums for each of `R` rows and `I` inputs.
pub(super) type Dots<S, const R: usize, const I: usize> = [[<S as Simd>::f32s; I]; R];

/// `acc[r][i] += dy[r][..width] ⊙ weights[i][..width]`, lane by lane, for one panel.
#[inline(always)]
pub(super) fn add_dots<S: Simd, const R: usize, const I: usize>(
    simd: S,
    acc: &mut Dots<S, R, I>,
    dy: Rows<'_>,
    weights: Rows<'_>,
    width: usize,
    fetch: Prefetch,
) {
    let whole = width / S::F32_LANES;
    {
        fetch.step(weights.data, 0);
        let dy: [&[S::f32s]; R] = std::array::from_fn(|r| &S::as_simd_f32s(&dy.row(r)[..width]).0[..whole]);
        let weights: [&[S::f32s]; I] = std::array::from_fn(|i| &S::as_simd_f32s(&weights.row(i)[..width]).0[..whole]);
        for k in 0..whole {
            let w: [S::f32s; I] = std::array::from_fn(|i| weights[i][k]);
            for (acc, dy) in acc.iter_mut().zip(&dy) {
                for (acc, w) in acc.iter_mut().zip(w) {
                    *acc = simd.mul_add_f32s(dy[k], w, *acc);
                }
            }
        }
    }
    let tail = whole * S::F32_LANES..width;
    if !tail.is_empty() {
        let w: [S::f32s; I] = std::array::from_fn(|i| simd.partial_load_f32s(&weights.row(i)[tail.clone()]));
        for (r, acc) in acc.iter_mut().enumerate() {
            let dy = simd.partial_load_f32s(&dy.row(r)[tail.clone()]);
            for (acc, w) in acc.iter_mut().zip(w) {
                *acc = simd.mul_add_f32s(dy, w, *acc);
            }
        }
    }
}

/// `g[i][c] = Σ_r x[r][i] dy[r][c]` for `I` inputs and `V` vectors of columns; `dy` is packed, `width` floats a row.
#[inline(always)]
pub(super) fn outer_products<S: Simd, const I: usize, const V: usize>(
    simd: S,
    x: Rows<'_>,
    dy: Rows<'_>,
    rows: usize,
) -> [[S::f32s; V]; I] {
    let mut acc = [[simd.splat_f32s(0.0); V]; I];
    for r in 0..rows {
        let (row, _) = S::as_simd_f32s(&dy.row(r)[..V * S::F32_LANES]);
        let row: [S::f32s; V] = std::array::from_fn(|v| row[v]);
        for (acc, x) in acc.iter_mut().zip(&x.row(r)[..I]) {
            let x = simd.splat_f32s(*x);
            for (acc, d) in acc.iter_mut().zip(row) {
                *acc = simd.mul_add_f32s(x, d, *acc);
            }
        }
    }
    acc
}

/// The sum of each vector's lanes.
#[inline(always)]
pub(super) fn sums<S: Simd, const I: usize>(simd: S, vectors: [S::f32s; I]) -> [f32; I] {
    vectors.map(|vector| simd.reduce_sum_f32s(vector))
}
