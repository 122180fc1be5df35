//! What is told of data sets' files is what `import` tells.

use super::super::inspect;
use super::*;

fn told(name: &str) -> Contents {
    inspect(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures")).join(name)).unwrap()
}

#[test]
fn warnings_are_those_of_the_import() {
    for (name, words) in [
        ("stated/h36m/data_2d_h36m_normalised.npz", "positions_2d: 12 of 12 poses have coordinates below 10"),
        ("stated/h36m/data_2d_h36m_nothing.npz", "import would refuse it: "),
        ("stated/h36m/millimetres.npz", "positions_3d: a person's bones add up to"),
        ("stated/mpi_inf_3dhp/data_test_3dhp_unmarked.npz", "data/TS1/valid: it is missing"),
        ("stated/mpi_inf_3dhp/data_test_3dhp_metres.npz", "data_3d: a person's bones add up to"),
        ("datasets/lsp/lsp_dataset/joints.mat", "1980 poses without any joint are left out"),
    ] {
        let contents = told(name);
        assert!(contents.warnings.iter().any(|warning| warning.contains(words)), "{name}: {:?}", contents.warnings);
    }
    assert!(told("stated/mpi_inf_3dhp/mpi_inf_3dhp_valid.npz").kind.contains("which cannot be imported"));
}

#[test]
fn poses_are_counted() {
    for (name, poses) in [
        ("stated/h36m/data_2d_h36m_named.npz", 12),
        ("datasets/h36m/data_3d_h36m.npz", 28),
        ("datasets/threedpw/sequenceFiles/test/downtown_walking_00.pkl", 5),
        ("datasets/mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/annot_data.mat", 3),
        ("datasets/mpii/mpii_human_pose_v1_u12_1.mat", 3),
    ] {
        let contents = told(name);
        assert!(
            contents.facts.contains(&("poses, as imported".to_owned(), poses.into())),
            "{name}: {:?}",
            contents.facts
        );
    }
}
