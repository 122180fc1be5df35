//! `isopose lift` behind a pipe: lines in, lines out, whatever comes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::folder::{Folder, stderr};

/// A stream that runs.
struct Stream {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Stream {
    fn start(folder: &Folder, options: &str) -> Self {
        let line = format!("lift --checkpoint m.safetensors --input - --out - --device cpu {options}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
        command.current_dir(folder.path("")).args(line.split_whitespace());
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    /// A line in, the line that answers it out.
    fn answer(&mut self, line: &str) -> Value {
        self.write(line);
        self.read()
    }

    /// Ends the input; what is left of the output, the exit code, and what was said.
    fn end(mut self) -> (Vec<Value>, Option<i32>, String) {
        drop(self.input.take());
        let rest = self.output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        let output: Output = self.child.wait_with_output().unwrap();
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        (rest, output.status.code(), stderr(&output))
    }
}

fn trained() -> Folder {
    let folder = Folder::new();
    folder.train();
    folder
}

/// Somebody of 17 joints who stands about `x`.
fn person(id: Option<i64>, x: f64) -> Value {
    let keypoints: Vec<[f64; 3]> =
        (0..17).map(|j| [x + f64::from(j * 7 % 11) * 9.0, 200.0 + f64::from(j * 5 % 17) * 25.0, 0.9]).collect();
    match id {
        Some(id) => json!({"id": id, "keypoints": keypoints}),
        None => json!({"keypoints": keypoints}),
    }
}

fn frame(number: i32, people: &[Value]) -> String {
    json!({"frame": number, "time": f64::from(number) / 25.0, "people": people}).to_string()
}

fn from_line(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn ids(line: &Value) -> Vec<i64> {
    line["people"].as_array().unwrap().iter().map(|person| person["id"].as_i64().unwrap()).collect()
}

#[test]
fn each_line_is_answered_before_the_next_one_comes() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "");
    let header = stream.read();
    assert_eq!(header["format"], "isopose-lift-1");
    assert_eq!((&header["units"], &header["mode"]), (&json!("m"), &json!("online")));
    assert_eq!(header["joint_names"].as_array().unwrap().len(), 16);
    // People enter and leave; a frame has nobody.
    let crowds: [&[i64]; 6] = [&[4], &[4, 9], &[9], &[], &[9, 4], &[7]];
    for (number, crowd) in (10..).zip(crowds) {
        let people: Vec<Value> = crowd.iter().map(|id| person(Some(*id), 400.0 * *id as f64)).collect();
        let line = stream.answer(&frame(number, &people));
        assert_eq!(
            (line["frame"].as_i64(), line["time"].as_f64()),
            (Some(number.into()), Some(f64::from(number) / 25.0))
        );
        assert_eq!(ids(&line), crowd);
        for person in line["people"].as_array().unwrap() {
            assert_eq!(person["joints"].as_array().unwrap().len(), 16);
            assert!(person["adapted"].as_bool().unwrap() && person["losses"].is_object() && person["root"].is_null());
        }
    }
    let (rest, code, said) = stream.end();
    assert!(rest.is_empty() && code == Some(0), "{said}");
    assert!(said.contains("frames 6, poses lifted 7, adapted to 7"), "{said}");
}

#[test]
fn a_malformed_line_is_answered_by_its_number_and_the_stream_goes_on() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "--mode baseline");
    stream.read();
    let good = frame(0, &[person(None, 300.0)]);
    assert_eq!(ids(&stream.answer(&good)), [1]);
    let short = json!({"people": [{"keypoints": [[1, 2, 1]]}]}).to_string();
    let long = format!("{{\"people\":[],\"what\":\"{}\"}}", "x".repeat(17 << 20));
    for (number, line, words) in [
        (2, "{\"frame\": 1, \"people\": [", "column"),
        (3, "no JSON", "column"),
        (4, short.as_str(), "people[0].keypoints: there are 1, h36m17 has 17"),
        (5, "{\"frame\": 2}", "neither \"people\" nor a view"),
        (6, long.as_str(), "longer than 16 MiB"),
    ] {
        let answer = stream.answer(line);
        assert_eq!(answer["line"], number, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    }
    // A blank line is none.
    stream.write(" \t\r");
    let line = stream.answer(&frame(1, &[person(None, 302.0)]));
    assert_eq!((ids(&line), line["frame"].as_i64()), (vec![1], Some(1)), "nobody was forgotten meanwhile");
    let (_, code, said) = stream.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("-: line 4: ") && said.contains("lines that could not be read: 5"), "{said}");
}

#[test]
fn a_view_says_the_layout_and_the_camera() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "");
    stream.read();
    let coco = |x: f64| {
        let points: Vec<[f64; 2]> =
            (0..17).map(|j| [x + f64::from(j * 7 % 11) * 9.0, 200.0 + f64::from(j) * 20.0]).collect();
        json!({"keypoints": points})
    };
    stream.write(r#"{"layout": "coco17", "image_size": [1280, 720], "intrinsics": [900, 900, 640, 360]}"#);
    let line = stream.answer(&frame(0, &[coco(500.0)]));
    assert_eq!(line["people"][0]["confidence"].as_array().unwrap(), &vec![json!(1); 16]);
    // Another order, from another place: nobody is followed there.
    stream.write(r#"{"layout": "openpose18"}"#);
    let points: Vec<[f64; 3]> =
        (0..18).map(|j| [500.0 + f64::from(j % 5) * 20.0, 200.0 + f64::from(j) * 20.0, 0.5]).collect();
    let line = stream.answer(&frame(1, &[json!({"keypoints": points})]));
    assert_eq!((ids(&line), &line["people"][0]["confidence"][0]), (vec![2], &json!(0.5)));
    assert_eq!(stream.end().1, Some(0));
}

#[test]
fn frames_are_not_read_in_an_order_that_could_not_be_read() {
    let folder = trained();
    for line in [
        "{\"layout\": \"coco\"}",
        "{\"Layout\": \"coco17\"}",
        "{\"image_size\": [10, 10], \"intrinsics\": [1e9, 1, 1, 1]}",
    ] {
        let mut stream = Stream::start(&folder, "--mode baseline");
        stream.read();
        assert_eq!(ids(&stream.answer(&frame(0, &[person(None, 300.0)]))), [1]);
        assert_eq!(stream.answer(line)["line"], 2);
        let (rest, code, said) = stream.end();
        assert!(rest.is_empty() && code == Some(1) && said.contains("error: -: line 2: "), "{said}");
    }
    // Asked to be strict, it ends at any line.
    let mut stream = Stream::start(&folder, "--mode baseline --strict");
    stream.read();
    stream.answer("no JSON");
    assert_eq!(stream.end().1, Some(1));
}

#[test]
fn numbers_that_begin_again_begin_another_take_in_every_form() {
    let folder = trained();
    let lines: Vec<String> = (0..24).map(|i| frame(i % 8, &[person(Some(5), 300.0)])).collect();
    std::fs::write(folder.path("in.jsonl"), lines.join("\n")).unwrap();
    let base = "lift --checkpoint m.safetensors --device cpu --input in.jsonl";
    for form in ["jsonl", "bvh", "npz"] {
        folder.succeed(&format!("{base} --out {form}/x.{form} --view {form}/p.html").replace(&format!("{form}/"), ""));
    }
    let text = std::fs::read_to_string(folder.path("x.jsonl")).unwrap();
    let sequences: Vec<Value> = text.lines().skip(1).map(|line| from_line(line)["sequence"].clone()).collect();
    assert_eq!([&sequences[7], &sequences[8], &sequences[16]], [&Value::Null, &json!("take (2)"), &json!("take (3)")]);
    assert!(folder.path("x-take__2_-5.bvh").exists());
}

#[test]
fn an_output_that_would_destroy_an_input_is_refused() {
    let folder = trained();
    let lines = frame(0, &[person(None, 300.0)]);
    std::fs::write(folder.path("in.jsonl"), &lines).unwrap();
    std::fs::hard_link(folder.path("in.jsonl"), folder.path("hard.jsonl")).unwrap();
    std::fs::create_dir(folder.path("op")).unwrap();
    let keypoints = vec![100.0; 75];
    let people = json!({"people": [{"pose_keypoints_2d": keypoints}]}).to_string();
    (0..3).for_each(|i| std::fs::write(folder.path(&format!("op/v_{i:012}_keypoints.json")), &people).unwrap());
    std::fs::copy(folder.path("m.safetensors"), folder.path("x-2.bvh")).unwrap();
    for (input, out, rest) in [
        ("in.jsonl", "hard.jsonl", ""),
        ("op", "op/v_000000000000_keypoints.json", ""),
        ("in.jsonl", "x.bvh", "--checkpoint x-2.bvh"),
        ("in.jsonl", "p.html", "--output-format bvh --view p-1.html"),
    ] {
        let checkpoint = if rest.contains("checkpoint") { "" } else { "--checkpoint m.safetensors" };
        folder.fail(&format!("lift {checkpoint} --device cpu --input {input} --out {out} {rest}"), 2, &["--out", out]);
    }
    assert_eq!(std::fs::read_to_string(folder.path("in.jsonl")).unwrap(), lines);
    // Of two detectors, a folder is read as neither.
    std::fs::write(
        folder.path("op/a.json"),
        r#"[{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 1], "score": 1}]"#,
    )
    .unwrap();
    folder.fail(
        "lift --checkpoint m.safetensors --device cpu --input op --out y.csv",
        1,
        &["op: files", "COCO", "OpenPose"],
    );
}

#[test]
fn an_empty_stream_has_a_header_and_one_without_any_frame_fails() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "");
    stream.read();
    let (rest, code, said) = stream.end();
    assert!(rest.is_empty() && code == Some(0) && said.contains("there is no frame in it"), "{said}");
    let mut stream = Stream::start(&folder, "");
    stream.read();
    stream.answer("a,b,c");
    let (rest, code, said) = stream.end();
    assert!(rest.is_empty() && code == Some(1) && said.contains("none of its 1 lines is a frame"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "--mode baseline");
    stream.read();
    let Stream { mut child, input, output } = stream;
    drop(output);
    let mut input = input.unwrap();
    // It notices when it writes; then nobody reads here either.
    let mut number = 0;
    while writeln!(input, "{}", frame(number, &[person(None, 300.0)])).is_ok() {
        number += 1;
        thread::sleep(Duration::from_millis(1));
        assert!(number < 10_000, "it goes on without a reader");
    }
    drop(input);
    let status = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
}

#[test]
fn a_fast_writer_waits_for_a_slow_reader_and_nothing_is_lost() {
    const FRAMES: i32 = 3000;
    let folder = trained();
    let Stream { child, input, output } = Stream::start(&folder, "--mode baseline");
    let writer = thread::spawn(move || {
        let mut input = input.unwrap();
        (0..FRAMES).for_each(|number| writeln!(input, "{}", frame(number, &[person(None, 300.0)])).unwrap());
    });
    // Its pipes fill up meanwhile.
    thread::sleep(Duration::from_millis(500));
    assert!(!writer.is_finished());
    let lines: Vec<String> = output.lines().map(Result::unwrap).collect();
    writer.join().unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let numbers = lines[1..].iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["frame"].as_i64().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), (0..i64::from(FRAMES)).collect::<Vec<_>>());
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_stream_takes_no_more_memory_than_a_short_one() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "--smooth one-euro");
    stream.read();
    let status = format!("/proc/{}/status", stream.child.id());
    let resident = || {
        let text = std::fs::read_to_string(&status).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut early = 0;
    // Strangers all the time.
    for number in 0..6000 {
        let people = [person(Some(i64::from(number)), 300.0), person(None, f64::from(number % 9) * 900.0)];
        stream.answer(&frame(number, &people));
        if number == 2000 {
            early = resident();
        }
    }
    let late = resident();
    // An allocator's own fluctuation; a number kept for each frame and joint would be ten times as much.
    assert!(late < early + 1024, "{early} kB after 2,000 frames, {late} kB after 6,000");
    assert_eq!(stream.end().1, Some(0));
}

#[test]
fn keypoints_that_are_no_pixels_end_it_unless_they_are_allowed() {
    let folder = trained();
    let shares = |number: i32| {
        let points: Vec<[f64; 2]> =
            (0..17).map(|j| [0.4 + f64::from(j % 5) * 0.02, 0.2 + f64::from(j) * 0.02]).collect();
        frame(number, &[json!({"keypoints": points})])
    };
    for (options, expected) in [("", Some(1)), ("--allow-implausible", Some(0))] {
        let mut stream = Stream::start(&folder, &format!("--mode baseline {options}"));
        stream.read();
        for number in 0..30 {
            // It may be gone.
            let _ = writeln!(stream.input.as_mut().unwrap(), "{}", shares(number));
        }
        let (rest, code, said) = stream.end();
        assert_eq!(code, expected, "{said}");
        assert!(said.contains("shares of the image (0 to 1), not pixels"), "{said}");
        assert!(rest.len() >= 10, "what was lifted before is not lost: {}", rest.len());
    }
}

#[test]
fn a_budget_skips_adaptation_never_prediction_and_says_how_often() {
    let folder = trained();
    let mut stream = Stream::start(&folder, "--real-time --budget-ms 0.001");
    stream.read();
    for number in 0..20 {
        let line = stream.answer(&frame(number, &[person(None, 300.0)]));
        assert_eq!((&line["people"][0]["adapted"], &line["people"][0]["losses"]), (&json!(false), &Value::Null));
    }
    let (_, code, said) = stream.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("adaptation was skipped for 20 of 20 poses (100.0 %)"), "{said}");
}

#[test]
fn what_cannot_be_is_an_error_before_anything_is_written() {
    let folder = trained();
    folder.synth("t.npz", "target", 20, 16);
    let base = "lift --checkpoint m.safetensors --device cpu";
    for (rest, code, words) in [
        ("--input t.npz --out x.csv --output-format bvh", 2, vec!["x.csv", "--output-format", "bvh", "csv"]),
        ("--input t.npz --out x", 2, vec!["no ending", ".jsonl"]),
        ("--input t.npz --out - --output-format npz", 2, vec!["npz cannot go to standard output", "jsonl"]),
        ("--input t.npz --out - --json", 2, vec!["--json", "standard output has the poses"]),
        ("--input - --smooth savgol --out -", 2, vec!["--smooth", "one-euro"]),
        ("--input - --format coco --out -", 2, vec!["--format", "standard input takes JSON lines"]),
        ("--input t.npz --out t.npz", 2, vec!["--out t.npz", "input"]),
        ("--input t.npz --out x.jsonl --view x.jsonl", 2, vec!["--view x.jsonl", ".html"]),
        ("--input t.npz --out x.jsonl --view no/x.html", 1, vec!["no/x.html", "there is no folder"]),
        ("--input t.npz --out x.jsonl --mode baseline --adapt-per-track", 2, vec!["--adapt-per-track"]),
        ("--input t.npz --out x.jsonl --alpha=-1", 2, vec!["--alpha"]),
        ("--input none.jsonl --out x.jsonl", 1, vec!["none.jsonl", "cannot open"]),
        ("--input m.safetensors --out x.jsonl", 1, vec!["m.safetensors: format", "--format"]),
        ("--input t.npz --focal 1 --out x.jsonl", 0, vec![]),
    ] {
        match code {
            0 => _ = folder.succeed(&format!("{base} {rest}")),
            code => folder.fail(&format!("{base} {rest}"), code, &words),
        }
    }
    let output = folder.run(&format!("{base} --input t.npz --out y.jsonl --budget-ms 5"));
    assert_eq!(output.status.code(), Some(2), "a budget is for --real-time");
    assert!(!folder.path("y.jsonl").exists());
}

#[test]
fn every_form_is_written_and_a_page_beside_it() {
    let folder = trained();
    folder.synth("t.npz", "target", 48, 16);
    for form in ["jsonl", "json", "csv", "npz", "bvh", "trc"] {
        let line = format!(
            "lift --checkpoint m.safetensors --input t.npz --out {form}/x.{form} --view {form}/x.html --fps 25 --device cpu --json"
        );
        std::fs::create_dir(folder.path(form)).unwrap();
        let summary = folder.json(&line);
        assert_eq!((&summary["frames"], &summary["people"], &summary["cuts"]), (&json!(48), &json!(48), &json!(2)));
        let written = std::fs::read_dir(folder.path(form)).unwrap().count();
        // Of three recordings bvh and trc are three files.
        assert_eq!(written, if matches!(form, "bvh" | "trc") { 4 } else { 2 }, "{form}");
    }
}
