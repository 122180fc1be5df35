//! Tests of arrays read piece by piece.

use std::{fs::File, io::Write, path::PathBuf};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::super::{Array, Npz};

/// An archive with the array `x`: its header says so, and these are its bytes.
fn file(folder: &tempfile::TempDir, method: CompressionMethod, (descr, fortran, shape): Says, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("a.npz");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("x.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
    zip.write_all(&(text.len() as u16).to_le_bytes()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap();
    path
}

/// Type, whether in Fortran order, shape.
type Says = (&'static str, &'static str, &'static str);

const STORED: CompressionMethod = CompressionMethod::Stored;

/// All rows in pieces of `count`.
fn pieces(npz: &mut Npz, count: usize) -> crate::Result<Array<f32>> {
    let mut rows = npz.rows("x")?;
    let (shape, mut values) = (rows.shape().to_vec(), Vec::new());
    for first in (0..shape[0].max(1)).step_by(count) {
        let piece = rows.read(count)?;
        assert_eq!((piece.shape[0], &piece.shape[1..]), (count.min(shape[0] - first), &shape[1..]));
        values.extend(piece.values);
    }
    assert!(rows.read(count)?.values.is_empty());
    Ok(Array { shape, values })
}

#[test]
fn pieces_are_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let floats: Vec<u8> = (0..60).flat_map(|i| (i as f32 / 7.0).to_le_bytes()).collect();
    let doubles: Vec<u8> = (0..60).flat_map(|i| (f64::from(i) / 7.0).to_be_bytes()).collect();
    let bytes: Vec<u8> = (0..60).collect();
    let cases: [(Says, &[u8]); 6] = [
        (("<f4", "False", "(10, 3, 2)"), &floats),
        (("<f4", "True", "(10, 3, 2)"), &floats),
        ((">f8", "False", "(10, 6)"), &doubles),
        (("|u1", "False", "(60,)"), &bytes),
        (("<f4", "False", "(0, 17, 2)"), &[]),
        (("<f4", "False", "(10, 0)"), &[]),
    ];
    for (says, bytes) in cases {
        for method in [STORED, CompressionMethod::Deflated] {
            let mut npz = Npz::open(&file(&folder, method, says, bytes)).unwrap();
            let whole = npz.f32("x").unwrap();
            for count in [1, 3, 10, 100] {
                assert_eq!(pieces(&mut npz, count).unwrap(), whole, "{says:?} by {count}");
            }
        }
    }
}

#[test]
fn what_is_no_such_array_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let says = |header: Says, bytes: &[u8], words: &str| {
        let mut npz = Npz::open(&file(&folder, STORED, header, bytes)).unwrap();
        let error = pieces(&mut npz, 4).unwrap_err().to_string();
        assert!(error.contains("a.npz: x: ") && error.contains(words), "{error}");
    };
    says(("<f4", "False", "(10, 2)"), &[0; 79], "the file holds less than shape [10, 2] needs");
    says(("<f4", "False", "(10, 2)"), &[0; 81], "the file holds more than shape [10, 2] needs");
    says(("<f4", "True", "(10, 2)"), &[0; 79], "needs 80 bytes but the file holds 79");
    says(("<f4", "False", "()"), &[0; 4], "rows of numbers are expected");
    says(("<U1", "False", "(1,)"), &[0; 4], "rows of numbers are expected");
    says(("|O", "False", "(1,)"), &[0; 4], "Python objects");
    // More rows than there can be are no harm before they are read, but a row must fit.
    says(("<f4", "False", "(1099511627776, 2)"), &[0; 79], "the file holds less than");
    says(("<f4", "False", "(2, 1099511627776)"), &[0; 79], "2 rows of its shape [2, 1099511627776] do not fit");
    says(("<f4", "False", "(2, 9223372036854775807)"), &[0; 79], "do not fit");
    assert!(
        Npz::open(&folder.path().join("a.npz")).unwrap().rows("y").is_err_and(|e| e.to_string().contains("missing"))
    );
}

#[test]
fn a_changed_byte_is_found_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, STORED, ("<f4", "False", "(10, 2)"), &[7; 80]);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(80).position(|window| window == [7; 80]).unwrap();
    bytes[at] = 8;
    std::fs::write(&path, bytes).unwrap();
    let mut npz = Npz::open(&path).unwrap();
    let mut rows = npz.rows("x").unwrap();
    assert!(rows.read(9).is_ok());
    let error = rows.read(1).unwrap_err().to_string();
    assert!(error.contains("x: ") && error.contains("damaged"), "{error}");
}
