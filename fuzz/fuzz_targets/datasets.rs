//! Any bytes as the files of the data sets; the first byte says which.
#![no_main]

use isopose_fuzz::import::{h36m, lsp, mpi_inf_3dhp, mpii, threedpw};
use isopose_fuzz::with_named_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let suffix = [".npz", ".h5", ".mat", ".mat", ".npz", ".pkl", ".npz", ".mat"][usize::from(first % 8)];
    with_named_file(bytes, suffix, |path| {
        let paths = std::slice::from_ref(path);
        let none = &mut |_, _| {};
        let set = match first % 8 {
            0 | 1 => h36m::import(paths, &h36m::Options::default(), none),
            2 => mpii::import(paths, &mpii::Options { joints: 17 }, none),
            3 | 4 => mpi_inf_3dhp::import(paths, &mpi_inf_3dhp::Options::default(), none),
            5 | 6 => threedpw::import(paths, &threedpw::Options::default(), none),
            _ => lsp::import(paths, &lsp::Options::default(), none),
        };
        drop(set);
    });
});
