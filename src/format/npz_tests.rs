//! Tests of `.npz` reading and writing, hostile files included.

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A zip archive of raw members, as somebody else might write it.
fn archive(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn npy(header: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(payload);
    bytes
}

fn sample(path: &Path) {
    let mut writer = NpzWriter::create(path).unwrap();
    let values: Vec<f32> = (0..600).map(|i| (i as f32).sin()).collect();
    writer.f32("x", &[100, 3, 2], &values).unwrap();
    writer.i32("n", &[3], &[1, -2, i32::MAX]).unwrap();
    writer.strings("s", &["walk", "", "d\u{e9}but \u{1f600}"]).unwrap();
    writer.strings::<&str>("none", &[]).unwrap();
    writer.text("one", "d\u{e9}but").unwrap();
    writer.text("empty", "").unwrap();
    writer.copy("wide", "<i8", &[2], &[1i64 << 40, -7].map(i64::to_le_bytes).concat()[..]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn arrays_round_trip() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    sample(&path);
    let mut npz = Npz::open(&path).unwrap();
    let x = npz.f32("x").unwrap();
    assert_eq!(x.shape, [100, 3, 2]);
    assert_eq!(x.values[599].to_bits(), 599f32.sin().to_bits());
    assert_eq!(npz.i32("n").unwrap().values, [1, -2, i32::MAX]);
    assert_eq!(npz.f32("n").unwrap().values[1], -2.0);
    assert_eq!(npz.strings("s").unwrap(), ["walk", "", "d\u{e9}but \u{1f600}"]);
    assert!(npz.strings("none").unwrap().is_empty());
    assert_eq!(
        (npz.strings("one").unwrap(), npz.strings("empty").unwrap()),
        (vec!["d\u{e9}but".into()], vec!["".into()])
    );
    assert_eq!(
        (npz.describe("one").unwrap(), npz.describe("wide").unwrap()),
        (("<U5".into(), vec![]), ("<i8".into(), vec![2]))
    );
    assert_eq!(npz.f32("wide").unwrap().values, [(1i64 << 40) as f32, -7.0]);
    assert!(npz.has("x") && !npz.has("y"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn an_unfinished_file_leaves_the_old_one() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    sample(&path);
    let before = std::fs::read(&path).unwrap();
    let mut writer = NpzWriter::create(&path).unwrap();
    assert!(writer.f32("x", &[2, 2], &[1.0]).unwrap_err().to_string().contains("x: shape [2, 2]"));
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    sample(&path);
    assert_eq!(std::fs::read(&path).unwrap(), before, "the same content gives the same bytes");
}

#[test]
fn errors_name_the_array_and_the_remedy() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    assert!(matches!(Npz::open(&path), Err(Error::Io { action: "open", .. })));
    let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    write(b"not a zip at all");
    assert!(Npz::open(&path).err().unwrap().to_string().contains("not a readable .npz"));
    write(b"");
    assert!(Npz::open(&path).is_err());
    let header =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    archive(
        &path,
        &[
            ("object.npy", npy(&header("|O", "()"), b"\x80\x04.")),
            ("complex.npy", npy(&header("<c8", "(1,)"), &[0; 8])),
            ("float.npy", npy(&header("<f8", "(1,)"), &2.5f64.to_le_bytes())),
            ("big.npy", npy(&header("<i8", "(2,)"), &[[0; 8], [0x7f; 8]].concat())),
            ("text.npy", npy(&header("<U1", "(1,)"), &[0x61, 0, 0, 0])),
            ("grid.npy", npy(&header("<U1", "(1, 1)"), &[0x61, 0, 0, 0])),
            ("garbage.npy", b"hello".to_vec()),
        ],
    );
    let mut npz = Npz::open(&path).unwrap();
    let mut problem = |name: &str| npz.i32(name).unwrap_err().to_string();
    for (name, expected) in [
        ("absent", "absent: the array is missing"),
        ("object", "object: it holds Python objects (a pickle)"),
        ("complex", "complex: its type '<c8' is not supported"),
        ("float", "float: it holds floating-point numbers"),
        ("big", "big: element 1 is"),
        ("text", "text: strings where numbers are expected"),
        ("garbage", "garbage: its header cannot be read"),
    ] {
        assert!(problem(name).contains(expected), "{}", problem(name));
    }
    assert_eq!(npz.f32("float").unwrap().values, [2.5]);
    assert!(npz.strings("float").unwrap_err().to_string().contains("where strings are expected"));
    assert!(npz.strings("grid").unwrap_err().to_string().contains("one dimension"));
    assert_eq!(npz.strings("text").unwrap(), ["a"]);
}

#[test]
fn claimed_sizes_are_not_believed() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    let header = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    archive(
        &path,
        &[
            ("terabyte.npy", npy(&header("(274877906944,)"), &[0; 64])),
            ("short.npy", npy(&header("(262144,)"), &[0; 64])),
            ("overflow.npy", npy(&header("(9223372036854775807, 3)"), &[0; 64])),
            ("bytes.npy", npy(&header("(9223372036854775807,)"), &[0; 64])),
            ("long.npy", npy(&header("(3,)"), &[0; 16])),
            ("fortran.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", &[0; 8])),
        ],
    );
    let mut npz = Npz::open(&path).unwrap();
    for (name, expected) in [
        ("terabyte", "it takes 2097152 MB, and"),
        ("short", "needs 1048576 bytes but the file holds 64"),
        ("overflow", "impossibly large"),
        ("bytes", "impossibly large"),
        ("long", "needs 12 bytes but the file holds more"),
    ] {
        let error = npz.f32(name).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(npz.f32("fortran").unwrap().shape, [1, 2]);
}

#[test]
fn truncated_and_damaged_files_never_panic() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    sample(&path);
    let whole = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| -> Result<()> {
        std::fs::write(&path, bytes).unwrap();
        let mut npz = Npz::open(&path)?;
        npz.f32("x").and(npz.i32("n").map(drop)).and(npz.strings("s").map(drop))
    };
    for sixteenth in 0..16 {
        assert!(read(&whole[..whole.len() * sixteenth / 16]).is_err(), "{sixteenth}/16");
    }
    let mut undetected = 0;
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x41;
        undetected += usize::from(read(&bytes).is_ok());
    }
    // The CRC guards the content; what is left are dates, versions and the like in the zip headers.
    assert!(undetected < whole.len() / 4, "{undetected} of {}", whole.len());
}

#[test]
fn objects_of_numpy_are_read() {
    use super::super::fixture_tests;
    let expected = fixture_tests::expected("npz");
    let mut npz = Npz::open(&fixture_tests::path("objects.npz")).unwrap();
    let mut names = npz.names();
    names.sort();
    assert_eq!(names, ["n", "positions_3d", "rows"]);
    for name in ["positions_3d", "rows"] {
        let value = npz.object(name).unwrap();
        assert!(fixture_tests::same(&value, &expected[name]), "{name}: {value:?}");
    }
    assert_eq!(npz.describe("rows").unwrap(), ("|O".into(), vec![3]));
    assert_eq!(npz.describe("n").unwrap(), ("<f8".into(), vec![3]));
    assert!(npz.object("n").unwrap_err().to_string().contains("objects.npz: n: type '<f8' where Python objects"));
    assert!(npz.object("none").unwrap_err().to_string().contains("none: the array is missing"));
    assert!(npz.describe("none").unwrap_err().to_string().contains("missing"));
    let folder = folder();
    let path = folder.path().join("hostile.npz");
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
    archive(&path, &[("x.npy", npy(header, b"cos\nsystem\n(S'true'\ntR.")), ("cut.npy", npy(header, b"\x80\x04"))]);
    let mut npz = Npz::open(&path).unwrap();
    assert!(npz.object("x").unwrap_err().to_string().contains("x: it refers to `os.system`, which is never loaded"));
    assert!(npz.object("cut").unwrap_err().to_string().contains("cut: it cannot be read further"));
}
