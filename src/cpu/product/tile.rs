//! The products' inner loops, on registers. Each is generic over the vector unit, chosen at run time: AVX-512, AVX2
//! with FMA, NEON, or plain floats.

use pulp::Simd;

use super::panels::PANEL;

/// Floats of a cache line.
pub(super) const LINE: usize = 16;
/// Most lines that a step of a tile's loop asks for.
const MOST_LINES: usize = 4;

/// What a tile asks to be fetched into the second-level cache while it runs, so that reading the weights and computing
/// overlap.
#[derive(Clone, Copy)]
pub(super) struct Prefetch {
    /// Elements from the tile's first weight to the first line to fetch; may be past the end of the tensor.
    pub(super) ahead: usize,
    /// Cache lines for each step of the tile's loop, at most 4.
    pub(super) lines: usize,
}

impl Prefetch {
    #[inline(always)]
    fn step(self, weights: &[f32], step: usize) {
        for line in 0..MOST_LINES {
            if line < self.lines {
                prefetch(weights.as_ptr().wrapping_add(self.ahead + (step * self.lines + line) * LINE));
            }
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
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
}

impl<'a> Matrix<'a> {
    #[inline(always)]
    pub(super) fn row(self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..]
    }

    /// Panics unless `rows` rows of `width` elements lie inside the slice.
    #[inline(always)]
    fn check(self, rows: usize, width: usize) {
        assert!(rows == 0 || (rows - 1) * self.stride + width <= self.data.len(), "a tile must lie inside its matrix");
    }

    #[inline(always)]
    pub(super) fn from(self, row: usize, column: usize) -> Self {
        // No rows have no elements, wherever they begin.
        Self { data: self.data.get(row * self.stride + column..).unwrap_or(&[]), ..self }
    }
}

/// The vector at an element.
///
/// # Safety
/// The vector's floats lie inside one live slice.
#[inline(always)]
#[expect(unsafe_code, reason = "the loops below check their bounds once, not at each of millions of loads")]
unsafe fn load<S: Simd>(first: *const f32, offset: usize) -> S::f32s {
    // SAFETY: the caller's; any bits are floats, and the read asks for no alignment.
    unsafe { first.add(offset).cast::<S::f32s>().read_unaligned() }
}

/// `sum[r][c] += Σ_k x[r][k] weights[k][c]` for `R` rows, `V` vectors of columns and `steps` values of k.
#[inline(always)]
#[expect(unsafe_code, reason = "bounds are checked before the loop")]
pub(super) fn add_product<S: Simd, const R: usize, const V: usize>(
    simd: S,
    (sum, sum_stride): (&mut [f32], usize),
    x: Matrix<'_>,
    weights: Matrix<'_>,
    steps: usize,
    fetch: Prefetch,
) {
    x.check(R, steps);
    weights.check(steps, V * S::F32_LANES);
    let mut acc = [[simd.splat_f32s(0.0); V]; R];
    for (r, acc) in acc.iter_mut().enumerate() {
        let (from, _) = S::as_simd_f32s(&sum[r * sum_stride..]);
        acc.copy_from_slice(&from[..V]);
    }
    let (first_x, first_weight) = (x.data.as_ptr(), weights.data.as_ptr());
    for k in 0..steps {
        fetch.step(weights.data, k);
        // SAFETY: k < steps, r < R and v < V, and rows of these sizes lie inside the slices, checked above.
        let row: [S::f32s; V] =
            std::array::from_fn(|v| unsafe { load::<S>(first_weight, k * weights.stride + v * S::F32_LANES) });
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: as above.
            let x = simd.splat_f32s(unsafe { *first_x.add(r * x.stride + k) });
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

/// `acc[r][i] += dy[r] ⊙ weights[i]`, lane by lane, over `count` whole panels, `apart` elements from each other.
#[inline(always)]
#[expect(unsafe_code, reason = "bounds are checked before the loop")]
pub(super) fn add_panels<S: Simd, const R: usize, const I: usize>(
    simd: S,
    acc: &mut Dots<S, R, I>,
    dy: Matrix<'_>,
    weights: Matrix<'_>,
    (count, apart): (usize, usize),
    fetch: Prefetch,
) {
    if count == 0 {
        return;
    }
    dy.check(R, count * PANEL);
    assert!((count - 1) * apart + I * PANEL <= weights.data.len(), "panels must lie inside the weights");
    let (first_dy, first_weight) = (dy.data.as_ptr(), weights.data.as_ptr());
    for panel in 0..count {
        fetch.step(&weights.data[panel * apart..], 0);
        for k in (0..PANEL).step_by(S::F32_LANES) {
            let (at_dy, at_weight) = (panel * PANEL + k, panel * apart + k);
            // SAFETY: rows r < R and i < I of every panel lie inside the slices, checked above.
            let w: [S::f32s; I] = std::array::from_fn(|i| unsafe { load::<S>(first_weight, at_weight + i * PANEL) });
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: as above.
                let dy = unsafe { load::<S>(first_dy, at_dy + r * dy.stride) };
                for (acc, w) in acc.iter_mut().zip(w) {
                    *acc = simd.mul_add_f32s(dy, w, *acc);
                }
            }
        }
    }
}

/// As [`add_panels`], over the first `width` columns of one narrower panel.
#[inline(always)]
pub(super) fn add_dots<S: Simd, const R: usize, const I: usize>(
    simd: S,
    acc: &mut Dots<S, R, I>,
    dy: Matrix<'_>,
    weights: Matrix<'_>,
    width: usize,
) {
    for k in (0..width).step_by(S::F32_LANES) {
        let columns = k..width.min(k + S::F32_LANES);
        let w: [S::f32s; I] = std::array::from_fn(|i| simd.partial_load_f32s(&weights.row(i)[columns.clone()]));
        for (r, acc) in acc.iter_mut().enumerate() {
            let dy = simd.partial_load_f32s(&dy.row(r)[columns.clone()]);
            for (acc, w) in acc.iter_mut().zip(w) {
                *acc = simd.mul_add_f32s(dy, w, *acc);
            }
        }
    }
}

/// `g[i][c] = Σ_r x[r][i] dy[r][c]` for `I` inputs and `V` vectors of columns. Meanwhile as many elements are fetched of
/// the tensors `fetch`.
#[inline(always)]
#[expect(unsafe_code, reason = "bounds are checked before the loop")]
pub(super) fn outer_products<S: Simd, const I: usize, const V: usize>(
    simd: S,
    x: Matrix<'_>,
    dy: Matrix<'_>,
    rows: usize,
    fetch: [Option<&[f32]>; 4],
) -> [[S::f32s; V]; I] {
    x.check(rows, I);
    dy.check(rows, V * S::F32_LANES);
    let (first_x, first_dy) = (x.data.as_ptr(), dy.data.as_ptr());
    let mut acc = [[simd.splat_f32s(0.0); V]; I];
    let lines = I * V * S::F32_LANES / LINE;
    let (mut next, each) = (0, lines.div_ceil(rows.max(1)).min(MOST_LINES));
    for r in 0..rows {
        let until = lines.min(next + each);
        while next < until {
            fetch.iter().flatten().for_each(|tensor| prefetch(tensor.as_ptr().wrapping_add(next * LINE)));
            next += 1;
        }
        // SAFETY: r < rows, v < V and i < I, and rows of these sizes lie inside the slices, checked above.
        let row: [S::f32s; V] =
            std::array::from_fn(|v| unsafe { load::<S>(first_dy, r * dy.stride + v * S::F32_LANES) });
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: as above.
            let x = simd.splat_f32s(unsafe { *first_x.add(r * x.stride + i) });
            for (acc, d) in acc.iter_mut().zip(row) {
                *acc = simd.mul_add_f32s(x, d, *acc);
            }
        }
    }
    acc
}

/// The sum of a vector's lanes, by halves.
#[inline(always)]
pub(super) fn sum<S: Simd>(vector: S::f32s) -> f32 {
    let vector = [vector];
    let mut lanes = [0.0; LINE];
    lanes[..S::F32_LANES].copy_from_slice(bytemuck::cast_slice(&vector));
    let mut half = LINE / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}
