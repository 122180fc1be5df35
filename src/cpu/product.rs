//! Matrix products of views into slices, on the `gemm` crate. The one place of `cpu/` with `unsafe`.

/// A matrix inside a slice: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn fits(&self) -> bool {
        let last = (self.rows.max(1) - 1) * self.row_stride + (self.columns.max(1) - 1) * self.column_stride;
        last < self.data.len()
    }
}

/// Has the `gemm` crate always copy the left matrix to a contiguous panel. By default it reads weights in place for few
/// rows, at a stride that is mostly a power of two: at 64 rows of width 1024 that takes twice as long (see
/// `docs/performance.md`). The setting is one for the process; it changes no result.
pub(crate) fn pack_weights() {
    gemm::set_lhs_packing_threshold_single_thread(0);
    gemm::set_lhs_packing_threshold_multi_thread(0);
}

/// `out = a b`, or `out += a b`; `out` is row-major. On all threads of the current pool if `parallel`.
pub(super) fn multiply(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, accumulate: bool, parallel: bool) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "shapes of a product");
    assert!(a.fits() && b.fits(), "a matrix must lie inside its slice");
    let parallelism = if parallel { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    let stride = |s: usize| s as isize;
    // SAFETY: `out` holds exactly rows x columns elements, `a` and `b` lie inside their slices (asserted above), and
    // Rust's borrows keep `out` apart from both.
    #[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride(b.columns),
            accumulate,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
