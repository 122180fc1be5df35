//! Files that are larger than the memory that `isopose import` is given.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use isopose::format::npz::{Npz, NpzWriter};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// What the process may take, in MiB: of address space, libraries included, and of memory. Every file is larger.
/// Pieces, and blocks to write, take about 10.
const MOST_ADDRESSES: u64 = 128;
const MOST_RESIDENT: u64 = 48;

/// Imports under a limit of address space. The poses, and the most KiB that were resident, as Linux counts them.
fn import(folder: &Path, arguments: &[&str]) -> (usize, u64) {
    let command = format!(
        "ulimit -v {} && exec \"$0\" import \"$@\" --out set.npz --json --allow-implausible",
        MOST_ADDRESSES << 10
    );
    let mut child = Command::new("sh")
        .args(["-c", &command, env!("CARGO_BIN_EXE_isopose")])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The peak is asked for until the end: afterwards nothing knows it without unsafe code.
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    (report["poses"].as_u64().unwrap() as usize, peak)
}

/// A 3DPW file of regressed joints: plain arrays.
fn plain(path: &Path, frames: usize) {
    let mut npz = NpzWriter::create(path).unwrap();
    let values = |axes| (0..frames * 16 * axes).map(|i| (i % 1000) as f32).collect::<Vec<f32>>();
    npz.f32("positions_3d", &[frames, 16, 3], &values(3)).unwrap();
    npz.f32("positions_2d", &[frames, 16, 2], &values(2)).unwrap();
    npz.finish().unwrap();
}

/// A `data_3d_h36m.npz`: a pickle, protocol 3, of `recordings` arrays, each of `frames`.
fn pickled(path: &Path, recordings: usize, frames: u32) {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("positions_3d.npy", options).unwrap();
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n";
    zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
    zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    zip.write_all(header.as_bytes()).unwrap();
    let values: Vec<u8> = (0..frames * 96).flat_map(|i| ((i % 7) as f32).to_le_bytes()).collect();
    let bytes = values.len() as u32;
    zip.write_all(b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01)")
        .unwrap();
    zip.write_all(b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xff")
        .unwrap();
    zip.write_all(b"J\xff\xff\xff\xffK?tb\x89]}VS1\n}(").unwrap();
    for recording in 0..recordings {
        zip.write_all(format!("VWalking {recording}\n").as_bytes()).unwrap();
        zip.write_all(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01J").unwrap();
        zip.write_all(&frames.to_le_bytes()).unwrap();
        zip.write_all(b"K\x20K\x03\x87cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNN")
            .unwrap();
        zip.write_all(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B").unwrap();
        zip.write_all(&bytes.to_le_bytes()).unwrap();
        zip.write_all(&values).unwrap();
        zip.write_all(b"tb").unwrap();
    }
    zip.write_all(b"usatb.").unwrap();
    zip.finish().unwrap().flush().unwrap();
}

/// Human3.6M's `.h5`, made of one of a frame: larger sizes in its header, and where it says that the numbers are, a row of
/// ones (frames of nothing but zeros are no poses), then zeros.
fn hdf5(path: &Path, frames: u64) {
    let small = "/kernels-tests/fixtures/datasets/h36m_zip/h36m/S1/MyPoses/3D_positions/Walking.h5";
    let mut bytes = std::fs::read(format!("{}{small}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let shape = |frames: u64| [96u64.to_le_bytes(), frames.to_le_bytes()].concat().repeat(2);
    let at = bytes.windows(32).position(|window| *window == shape(1)).unwrap();
    let size = at + bytes[at..].windows(8).position(|window| *window == 768u64.to_le_bytes()).unwrap();
    let end = bytes.len() as u64;
    bytes[at..at + 32].copy_from_slice(&shape(frames));
    bytes[size - 8..size + 8].copy_from_slice(&[end.to_le_bytes(), (768 * frames).to_le_bytes()].concat());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    bytes.extend(1f64.to_le_bytes().repeat(frames as usize));
    std::fs::write(path, bytes).unwrap();
    File::options().write(true).open(path).unwrap().set_len(end + 768 * frames).unwrap();
}

#[test]
fn files_larger_than_memory_are_imported() {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED files_larger_than_memory_are_imported: only Linux tells the peak of a process");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let h5 = "S1/MyPoses/3D_positions/Walking.h5";
    plain(&folder.join("plain.npz"), 700_000);
    pickled(&folder.join("data_3d_h36m.npz"), 150, 2_600);
    hdf5(&folder.join(h5), 200_000);
    for (arguments, file, poses) in [
        (&["3dpw", "plain.npz"][..], "plain.npz", 700_000),
        (&["h36m", "data_3d_h36m.npz", "--camera", "54138969"], "data_3d_h36m.npz", 390_000),
        (&["h36m", h5, "--camera", "54138969"], h5, 200_000),
    ] {
        let bytes = std::fs::metadata(folder.join(file)).unwrap().len();
        let (imported, peak) = import(folder, arguments);
        assert_eq!(imported, poses, "{file}");
        assert!(bytes >> 20 > MOST_ADDRESSES, "{file}: {bytes} bytes");
        assert!((1..MOST_RESIDENT << 10).contains(&peak), "{file}: {peak} KiB at most");
        eprintln!("{file}: {} MB, {peak} KiB at most", bytes / 1_000_000);
        let mut npz = Npz::open(&folder.join("set.npz")).unwrap();
        assert_eq!(npz.describe("positions").unwrap(), ("<f4".into(), vec![poses, 16, 3]), "{file}");
        std::fs::remove_file(folder.join(file)).unwrap();
    }
}
