//! Any bytes as the files of the data sets, and of Detectron; the first byte says which.
#![no_main]

use isopose_fuzz::import::{collect, detector, h36m, lsp, mpi_inf_3dhp, mpii, threedpw};
use isopose_fuzz::with_placed_file;

/// Importers tell some files by their names and folders.
const PLACES: [&str; 10] = [
    "data_3d_h36m.npz",
    "S1/MyPoses/3D_positions/Walking 1.h5",
    "mpii.mat",
    "S1/Seq1/annot.mat",
    "TS1/annot_data.mat",
    "data_test_3dhp.npz",
    "downtown.pkl",
    "3dpw.npz",
    "joints.mat",
    "video.mp4.npz",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let place = usize::from(*first) % PLACES.len();
    with_placed_file(bytes, PLACES[place], |path| {
        let paths = std::slice::from_ref(path);
        let none = &mut |_, _| Ok(());
        let set = collect(17, |to| match place {
            0 | 1 => h36m::import(paths, &h36m::Options::default(), to, none),
            2 => mpii::import(paths, to, none),
            3..=5 => mpi_inf_3dhp::import(paths, &mpi_inf_3dhp::Options::default(), to, none),
            6 | 7 => threedpw::import(paths, &threedpw::Options::default(), to, none),
            8 => lsp::import(paths, None, to, none),
            _ => detector::detectron::import(paths, &detector::Options::default(), to, none),
        });
        // What is wrong with the values of a pose set is found when it is saved.
        drop(set.map(|set| set.validate(path)));
    });
});
