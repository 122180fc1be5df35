//! Tests of MATLAB files: what SciPy writes, what MATLAB writes, and what nobody should.

use super::super::fixture_tests::{bytes, expected, path, same};
use super::*;

const MIB: usize = 1 << 20;
const FILES: &[&str] = &["v6.mat", "v7.mat", "big_endian.mat", "sparse.mat"];

fn element(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), (payload.len() as u32).to_le_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An array: flags, sizes, name, and the elements after them.
fn matrix(flags: u32, shape: &[u32], name: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let head = [element(UINT32, &words(&[flags, 0])), element(INT32, &words(shape)), element(INT8, name.as_bytes())];
    element(MATRIX, &[head.concat(), parts.concat()].concat())
}

fn file(variables: &[Vec<u8>]) -> Vec<u8> {
    let mut header = vec![b' '; 126];
    header.extend(b"IM");
    [header, variables.concat()].concat()
}

fn refused(variable: Vec<u8>, says: &str) {
    let (name, problem) = read(&file(&[variable])[..], MIB).expect_err(says);
    assert!(problem.contains(says), "'{name}: {problem}' does not say '{says}'");
}

#[test]
fn files_of_all_versions_hold_what_was_written() {
    let expected = expected("matlab");
    for (name, variables) in [("v6.mat", 17), ("v7.mat", 17), ("big_endian.mat", 3), ("sparse.mat", 1)] {
        let value = load(&path(name)).unwrap();
        assert_eq!(value.entries().len(), variables, "{name}");
        for (key, value) in value.entries() {
            assert!(same(value, &expected[key.text().unwrap()]), "{name}: {key:?}: {value:?}");
        }
    }
}

#[test]
fn hdf5_is_told_apart() {
    assert!(is_v73(&path("v73.mat")).unwrap() && is_v73(&path("sample.h5")).unwrap());
    assert!(!is_v73(&path("v7.mat")).unwrap() && !is_v73(&path("v4.mat")).unwrap());
    let error = load(&path("v73.mat")).unwrap_err().to_string();
    assert!(error.contains("v73.mat: header: it is of MATLAB 7.3 (HDF5)"), "{error}");
    let error = load(&path("v4.mat")).unwrap_err().to_string();
    assert!(error.contains("v4.mat: header: "), "{error}");
    assert!(matches!(load(&path("none.mat")), Err(Error::Io { action: "open", .. })));
}

#[test]
fn cut_files_name_the_variable() {
    for name in FILES {
        let whole = bytes(name);
        let all = read(&whole[..], MIB).unwrap().entries().len();
        for cut in 0..whole.len() {
            // A file that ends after a variable is one with fewer.
            match read(&whole[..cut], MIB) {
                Ok(value) => assert!(value.entries().len() <= all),
                Err((variable, problem)) => assert!(!variable.is_empty() && !problem.is_empty()),
            }
        }
    }
    let whole = bytes("v6.mat");
    let (variable, problem) = read(&whole[..whole.len() - 20], MIB).unwrap_err();
    assert!(variable == "uint64" && problem.contains("it ends after"), "{variable}: {problem}");
    let whole = bytes("v7.mat");
    let end = 136 + u32::from_le_bytes(*whole[132..].first_chunk().unwrap()) as usize;
    let (variable, _) = read(&whole[..end - 10], MIB).unwrap_err();
    assert_eq!(variable, "cube");
}

#[test]
fn changed_bytes_are_read_or_refused() {
    for name in FILES {
        let whole = bytes(name);
        for at in 0..whole.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                // It may still be a file. It must not panic or take more than it may.
                drop(read(&changed[..], MIB));
            }
        }
    }
}

#[test]
fn damage_is_named() {
    let one = || element(2, &[1]);
    refused(matrix(6, &[2, 2], "x", &[one()]), "it holds 1 bytes where shape [2, 2] needs 4 numbers");
    refused(matrix(6, &[u32::MAX, u32::MAX, 9], "x", &[one()]), "impossibly large");
    refused(matrix(6, &[1; 80], "x", &[one()]), "80 dimensions");
    refused(matrix(6, &[1, 1], "x", &[element(8, &[1])]), "unknown kind (8)");
    refused(matrix(6 | 0x800, &[1, 1], "x", &[one(), one()]), "complex");
    refused(matrix(77, &[1, 1], "x", &[one()]), "class 77 is unknown");
    refused(matrix(1, &[1, 1000], "x", &[one()]), "cell 1 of 1000: an element of kind 2 is no array");
    refused(matrix(1, &[1, 2], "x", &[matrix(6, &[1, 1], "", &[one()])]), "cell 2 of 2: it ends");
    refused(matrix(1, &[1, 1], "x", &[matrix(5, &[1, 1], "", &[])]), "it is a sparse matrix");
    refused(matrix(1, &[1, 1], "x", &[matrix(16, &[1, 1], "", &[])]), "it is a function handle");
    let names = [element(INT32, &words(&[4])), element(INT8, b"pose")];
    let inside = matrix(6, &[1, 1], "", &[element(9, &[0; 4])]);
    refused(matrix(2, &[1, 1], "x", &[names.concat(), inside]), "(1).pose: it holds 4 bytes");
    refused(matrix(2, &[1, 1], "x", &[element(INT32, &words(&[0])), element(INT8, b"a")]), "fields");
    refused(matrix(4, &[2, 2], "x", &[element(4, &[65, 0])]), "1 characters instead of 4");
    refused(element(COMPRESSED, b"no zlib"), "corrupt");
    refused(element(MATRIX, &[0; 8]), "its flags are not understood");
    // Skipped at the top, with the others kept: an object, and what is no array.
    let variable = |name| matrix(9, &[1, 1], name, &[one()]);
    let kept = file(&[matrix(17, &[1, 1], "o", &[]), element(2, &[7]), variable("x"), variable("")]);
    let kept = read(&kept[..], MIB).unwrap();
    assert_eq!((kept.entries().len(), kept.get("x").and_then(Value::number)), (1, Some(1.0)));
}

#[test]
fn memory_and_depth_are_bounded() {
    let mut nested = matrix(6, &[1, 1], "", &[element(2, &[1])]);
    for _ in 0..300 {
        nested = matrix(1, &[1, 1], "x", &[nested]);
    }
    refused(nested, "nests more than 100 deep");
    // A compressed array of 64 MiB of zeros.
    let zeros = [words(&[MATRIX, 1 << 26]), vec![0; 1 << 26]].concat();
    let mut packed = Vec::new();
    flate2::read::ZlibEncoder::new(&zeros[..], flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    refused(element(COMPRESSED, &packed), "needs more than 1048576 bytes");
    refused([words(&[MATRIX, u32::MAX]), vec![0; 64]].concat(), "needs more than");
    refused([words(&[MATRIX, 1000]), vec![0; 64]].concat(), "it ends after 64 of 1000 bytes");
    // 20,000 empty cells of 8 bytes each.
    refused(matrix(1, &[20_000, 1], "x", &[element(MATRIX, &[]).repeat(20_000)]), "needs more than");
    // A struct without fields takes no bytes, however many there are.
    let none = matrix(2, &[1 << 30, 1], "x", &[element(INT32, &words(&[4])), element(INT8, &[])]);
    assert_eq!(read(&file(&[none])[..], MIB).unwrap().get("x").map(|x| x.items().len()), Some(0));
}
