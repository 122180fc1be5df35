//! Tests of HDF5 reading on files of h5py.

use super::super::fixture_tests::{bytes, expected, path, same_numbers};
use super::*;

const NUMERIC: [&str; 10] =
    ["chunked", "empty", "f16", "f32", "group/f64", "group/inner/big_endian", "i16", "scalar", "u64", "u8"];

#[test]
fn datasets_are_listed_and_read() {
    let (file, expected) = (Hdf5::open(&path("sample.h5")).unwrap(), expected("hdf5"));
    let listed = file.datasets().unwrap();
    let mut names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    names.retain(|name| !["strings", "fixed_strings"].contains(name));
    assert_eq!(names, NUMERIC, "a group that holds itself is listed once");
    for name in NUMERIC {
        let array = file.f32(name).unwrap();
        let (_, shape) = listed.iter().find(|(known, _)| known == name).unwrap();
        assert_eq!((&array.shape, &file.shape(name).unwrap()), (shape, shape), "{name}");
        assert_eq!(serde_json::json!(array.shape), expected[name]["array"], "{name}");
        let values = &expected[name]["values"];
        assert!(same_numbers(&array.values, values), "{name}: {:?}", array.values);
        assert!(file.has(name) && file.has(&format!("/{name}")));
    }
    assert!(!file.has("group") && !file.has("none") && !file.has(""));
}

#[test]
fn rows_are_slices() {
    let file = Hdf5::open(&path("sample.h5")).unwrap();
    for name in ["f32", "group/inner/big_endian", "i16", "chunked"] {
        let whole = file.f32(name).unwrap();
        for (first, count) in [(0, 10), (3, 4), (9, 1), (0, 0), (10, 0)] {
            let rows = file.rows(name, first, count).unwrap();
            assert_eq!(rows.shape, [count, 3, 2]);
            assert_eq!(rows.values, whole.values[6 * first..6 * (first + count)], "{name}");
        }
    }
    for (first, count) in [(0, 11), (10, 1), (usize::MAX, 2)] {
        assert!(file.rows("f32", first, count).unwrap_err().to_string().contains("f32: rows"));
    }
    assert!(file.rows("scalar", 0, 1).is_err());
}

#[test]
fn columns_are_slices_too() {
    let file = Hdf5::open(&path("sample.h5")).unwrap();
    for name in ["f32", "group/inner/big_endian", "i16", "chunked"] {
        let whole = file.f32(name).unwrap();
        let columns = file.slice(name, 1, 1, 2).unwrap();
        assert_eq!(columns.shape, [10, 2, 2]);
        let expected: Vec<f32> = whole.values.chunks_exact(6).flat_map(|row| &row[2..]).copied().collect();
        assert_eq!(columns.values, expected, "{name}");
    }
    let error = file.slice("f32", 1, 2, 2).unwrap_err().to_string();
    assert!(error.contains("f32: columns 2 and 2 on are wanted where there are 3"), "{error}");
    assert!(file.slice("f32", 3, 0, 1).is_err());
}

#[test]
fn newer_files_and_those_of_matlab_are_read() {
    let expected = expected("hdf5");
    let latest = Hdf5::open(&path("latest.h5")).unwrap();
    assert_eq!(latest.datasets().unwrap(), [("a/x".to_owned(), vec![10, 3, 2])]);
    assert!(same_numbers(&latest.f32("a/x").unwrap().values, &expected["chunked"]["values"]));
    let matlab = Hdf5::open(&path("v73.mat")).unwrap();
    assert!(same_numbers(&matlab.f32("annot3").unwrap().values, &expected["f32"]["values"]));
}

#[test]
fn errors_name_the_file_and_the_dataset() {
    let file = Hdf5::open(&path("sample.h5")).unwrap();
    let says = |error: Error, words: &str| assert!(error.to_string().contains(words), "{error}");
    says(file.f32("none").unwrap_err(), "sample.h5: none: the dataset is missing");
    says(file.f32("group").unwrap_err(), "sample.h5: group: the dataset is missing");
    says(file.f32("strings").unwrap_err(), "strings: it does not hold numbers");
    says(Hdf5::open(&path("v7.mat")).err().unwrap(), "v7.mat: file: it is no readable HDF5 file");
    assert!(matches!(Hdf5::open(&path("none.h5")), Err(Error::Io { action: "open", .. })));
}

#[test]
fn damaged_files_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.h5");
    let read = |bytes: &[u8]| {
        std::fs::write(&damaged, bytes).unwrap();
        let Ok(file) = Hdf5::open(&damaged) else { return 0 };
        let Ok(datasets) = file.datasets() else { return 0 };
        datasets.iter().filter(|(name, _)| file.f32(name).is_ok() | file.rows(name, 0, 1).is_ok()).count()
    };
    for (name, datasets) in [("sample.h5", 10), ("latest.h5", 1)] {
        let whole = bytes(name);
        assert_eq!(read(&whole), datasets, "{name}");
        for cut in (0..whole.len()).step_by(97) {
            let all = if cut < whole.len() / 2 { datasets - 1 } else { datasets };
            assert!(read(&whole[..cut]) <= all, "{name} cut at {cut}");
        }
        for at in (0..whole.len()).step_by(31) {
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            assert!(read(&changed) <= 12);
        }
    }
}
