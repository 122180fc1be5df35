use std::fmt::Write;

use super::*;

const SKELETON: &str = "HIERARCHY\nROOT Bip01 Pelvis\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n\
    JOINT Knee { OFFSET 0 -40 0 CHANNELS 1 Xrotation\nEnd Site\n{ OFFSET 0 -41 0 }\n}\n}\n";

fn motion(skeleton: &str, rest: &str) -> String {
    format!("{skeleton}MOTION\n{rest}")
}

fn read(text: &[u8]) -> Result<(Bvh, Vec<Vec<f64>>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bvh");
    std::fs::write(&path, text).unwrap();
    let mut bvh = Bvh::open(&path)?;
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    while bvh.next_frame(&mut frame)? {
        frames.push(frame.clone());
    }
    Ok((bvh, frames))
}

#[test]
fn white_space_and_case_do_not_matter() {
    let plain = motion(SKELETON, "Frames: 2\nFrame Time: 0.0333333\n1 2 3 4\n5 6 7 -8.5e0\n");
    let (bvh, frames) = read(plain.as_bytes()).unwrap();
    assert_eq!((bvh.fps, frames), (30.0, vec![vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, -8.5]]));
    let names: Vec<&str> = bvh.tree.joints.iter().map(|joint| joint.name.as_str()).collect();
    assert_eq!(names, ["Bip01 Pelvis", "Knee", "Knee_End"]);
    for other in [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "  \n\n\t"),
        format!("\u{feff}# made by hand\n{}", plain.replace("MOTION", "// frames\nMotion")),
        plain.replace("Frame Time:", "Frame  Time :").replace("Frames: 2", "Frames:2"),
        plain.replace("Zrotation", "ZROTATION").replace("JOINT", "Joint"),
        plain.trim_end().to_owned(),
    ] {
        let (again, _) = read(other.as_bytes()).unwrap();
        assert_eq!((again.tree, again.fps), (bvh.tree.clone(), bvh.fps), "{other}");
    }
}

#[test]
fn rates_with_few_digits_are_whole() {
    for (seconds, rate) in [(0.008_333_3, 120.0), (0.016_667, 60.0), (0.041_7, 1.0 / 0.041_7), (1.0 / 29.97, 29.97)] {
        assert!((frame_rate(seconds) - rate).abs() < 1e-9, "{seconds}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let frames = |rest: &str| motion(SKELETON, rest);
    let head = |from: &str, to: &str| motion(&SKELETON.replacen(from, to, 1), "Frames: 1\nFrame Time: 0.1\n1 2 3 4\n");
    for (text, words) in [
        (frames("Frames: 2\nFrame Time: 0.1\n1 2 3 4\n1 2 3\n"), "line 15: frame 1: 3 numbers for 4 channels"),
        (frames("Frames: 1\nFrame Time: 0.1\n1 2 3 4 5\n"), "line 14: frame 0: 5 numbers for 4 channels"),
        (frames("Frames: 1\nFrame Time: 0.1\n1 2 nan 4\n"), "line 14: 'nan' is not a finite number"),
        (frames("Frames: 1\nFrame Time: 0.1\n1 2 inf 4\n"), "'inf' is not a finite number"),
        (frames("Frames: 1\nFrame Time: 0.1\n1 2 3,5 4\n"), "'3,5' is not a finite number"),
        (frames("Frames: 99999999999\nFrame Time: 0.1\n1 2 3 4\n"), "Frames: it says 99999999999, but there are 1"),
        (frames("Frames: 1\nFrame Time: 0.1\n1 2 3 4\n1 2 3 4\n"), "line 15: a line after the 1 frames"),
        (frames("Frames: -1\nFrame Time: 0.1\n"), "'Frames: -1'"),
        (frames("Frames: 1\nFrame Time: 0\n1 2 3 4\n"), "'Frame Time: 0'"),
        (frames("Frame Time: 0.1\n"), "'Frame Time: 0.1' where 'Frames:' belongs"),
        (frames("Frames: 1\n"), "the file ends before 'Frame Time:'"),
        (head("HIERARCHY", "FBX"), "line 1: it does not start with HIERARCHY"),
        (head("ROOT Bip01 Pelvis", "ROOT"), "line 3: a joint without a name"),
        (head("OFFSET 0 0 0", "OFFSET 0 zero 0"), "line 4: 'zero' is not a finite number"),
        (head("CHANNELS 1 Xrotation", "CHANNELS 1 Xscale"), "unknown channel 'Xscale'"),
        (head("CHANNELS 1", "CHANNELS 4294967296"), "CHANNELS 4294967296: at most 9"),
        (head("CHANNELS 1 Xrotation", "ROOT Other {}"), "'ROOT' in 'Knee'"),
        (motion(&format!("{SKELETON}ROOT Second\n{{"), ""), "a second ROOT, 'Second' after 'Bip01 Pelvis'"),
        (SKELETON.replace('}', ""), "the file ends inside of HIERARCHY"),
        (SKELETON.to_owned(), "line 10: the file ends without MOTION: it is a skeleton alone; export its motion too"),
        (String::new(), "content: the file is empty"),
        (head("CHANNELS 3", "CHANNELS 6"), "line 6: CHANNELS 6, but 3 follow; correct the count"),
        (head("CHANNELS 3", "CHANNELS 2"), "line 5: CHANNELS 2, but more follow"),
        ("Kaydara FBX Binary  \0\u{1a}\0".to_owned(), "it does not start with HIERARCHY: this is FBX; convert it"),
        ("; FBX 7.4.0 project file\n".to_owned(), "this is FBX; convert it, as with Blender: import FBX, export BVH"),
        ("<!DOCTYPE html>\n".to_owned(), "this is a web page; the download failed"),
        ("version https://git-lfs.github.com/spec/v1\n".to_owned(), "a pointer of Git LFS"),
        ("PK\u{3}\u{4}\n".to_owned(), "this is an archive; unpack it"),
        ("\u{1}\0\u{2}\n".to_owned(), "this is a binary file; check that this is a BVH file"),
        (format!("HIERARCHY ROOT {}", "x ".repeat(1000)), "a joint without a name"),
        ("HIERARCHY\nMOTION\n".to_owned(), "'MOTION' outside of a joint"),
        ("x".repeat(5 << 20), "line 1: it is longer than 4 MiB"),
    ] {
        let error = read(text.as_bytes()).expect_err(words).to_string();
        assert!(error.contains(words), "{error}\n{words}");
    }
    read(&[0xff, 0xfe, 0x00, b'\n', 0xff]).unwrap_err();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("HIERARCHY\n".bytes().flat_map(|byte| [byte, 0])).collect();
    let error = read(&wide).unwrap_err().to_string();
    assert!(error.contains("this is text in UTF-16; save it as UTF-8"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let text = motion(SKELETON, "Frames: 2\nFrame Time: 0.1\n1 2 3 4\n5 6 7 8\n");
    // Without its last character, or digit, the file still has two frames.
    for cut in 0..text.len() - 2 {
        assert!(read(&text.as_bytes()[..cut]).is_err(), "{}", &text[..cut]);
    }
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nested = |levels: usize| {
        let mut text = "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 1 Xrotation\n".to_owned();
        for level in 0..levels {
            let _ = writeln!(text, "JOINT j{level} {{ OFFSET 0 0 0 CHANNELS 0");
        }
        text + &"}\n".repeat(levels + 1) + "MOTION\nFrames: 1\nFrame Time: 0.1\n5\n"
    };
    let error = read(nested(100_000).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("more than 10000 joints"), "{error}");
    assert_eq!(read(nested(9_999).as_bytes()).unwrap().0.tree.joints.len(), 10_000);
}
