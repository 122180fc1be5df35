//! The design's one-way imports and its rules on what may be named where, checked on the source text.

use std::path::{Path, PathBuf};

/// What each module may import. `cli` may import everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("named", &[]),
    ("kernel", &[]),
    // Which kernels are this crate's own decides which run without run-time checks.
    ("gpu", &["kernels", "kernel", "error"]),
    ("cpu", &["kernel"]),
    ("kernels", &["cpu", "kernel"]),
    ("plan", &["kernels", "kernel", "cpu", "gpu", "system", "error"]),
    ("system", &[]),
    ("format", &["system", "error"]),
    ("pose", &["error"]),
    ("config", &["error"]),
    ("checkpoint", &["config", "format", "error"]),
    ("metrics", &["pose", "error"]),
    ("data", &["pose", "config", "format", "error"]),
    ("import", &["data", "format", "pose", "error"]),
    ("inspect", &["import", "checkpoint", "data", "format", "pose", "error"]),
    ("nn", &["plan", "kernels", "kernel", "cpu", "checkpoint", "config", "pose", "error"]),
    (
        "adapt",
        &["nn", "plan", "kernels", "kernel", "cpu", "gpu", "checkpoint", "config", "data", "metrics", "pose", "error"],
    ),
    (
        "train",
        &["nn", "plan", "kernels", "kernel", "cpu", "gpu", "checkpoint", "config", "data", "metrics", "pose", "error"],
    ),
    ("tune", &["plan", "kernels", "kernel", "gpu", "format", "error"]),
    ("evaluate", &["adapt", "train", "checkpoint", "metrics", "gpu", "error"]),
    (
        "analysis",
        &["nn", "plan", "kernels", "cpu", "gpu", "checkpoint", "config", "data", "train", "metrics", "pose", "error"],
    ),
    ("report", &["pose", "format", "error"]),
    (
        "study",
        &[
            "analysis",
            "report",
            "evaluate",
            "adapt",
            "train",
            "gpu",
            "checkpoint",
            "config",
            "data",
            "format",
            "metrics",
            "pose",
            "error",
        ],
    ),
    ("bench", &["adapt", "train", "nn", "plan", "kernels", "gpu", "config", "data", "pose", "error"]),
    (
        "verify",
        &[
            "adapt",
            "train",
            "nn",
            "plan",
            "kernels",
            "kernel",
            "cpu",
            "gpu",
            "checkpoint",
            "config",
            "data",
            "metrics",
            "pose",
            "error",
        ],
    ),
];

fn sources(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push((path, text));
        }
    }
}

/// Every source file, by its path below `src/`.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let short = |path: PathBuf| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    found.into_iter().map(|(path, text)| (short(path), text)).collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("_tests.rs") || path.ends_with("/tests.rs")
}

/// The code before the unit tests, without comments.
fn code(text: &str) -> String {
    let mut marks = text.match_indices("#[cfg(test)]\n");
    let is_inline = |at: usize| text[at..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let end = marks.find(|(at, _)| is_inline(*at)).map_or(text.len(), |(at, _)| at);
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text[..end].lines().map(line).collect()
}

/// The modules named right behind `crate::`, alone or in braces.
fn imports(code: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let (mut depth, mut item) = (0, true);
        for (k, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => item = true,
                c if item && !c.is_whitespace() => {
                    found.push(name(&list[k..]));
                    item = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn imports_of_a_text_are_found() {
    let text = "use crate::a::B;\nuse crate::{\n    c::{D, E},\n    f,\n};\nlet x = crate::g::h();\n";
    assert_eq!(imports(text), ["a", "c", "f", "g"]);
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let module = path.split(['/', '.']).next().unwrap_or_default().to_owned();
        if is_test(&path) || matches!(module.as_str(), "lib" | "main" | "cli") {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{path}: the module `{module}` has no place in the layers"));
            continue;
        };
        for import in imports(&code(&text)) {
            // `Error` and `Result` are re-exported at the root; names are for every module.
            let known = import == module
                || matches!(import.as_str(), "Error" | "Result" | "named")
                || allowed.contains(&&*import);
            if !known {
                wrong.push(format!("{path}: `{module}` must not import `{import}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn special_words_stay_in_their_places() {
    let rules: &[(&str, &[&str])] = &[
        ("wgpu::", &["gpu/", "plan/gpu.rs"]),
        ("clap::", &["cli/", "cli.rs", "main.rs"]),
        ("indicatif::", &["cli/", "cli.rs", "main.rs"]),
        ("println!", &["cli/", "cli.rs", "main.rs"]),
        ("eprintln!", &["cli/", "cli.rs", "main.rs"]),
        ("unsafe {", &["gpu/", "cpu/product/"]),
        ("unsafe fn", &["cpu/product/"]),
        ("unsafe impl", &[]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let code = code(&text);
        for (word, places) in rules {
            if !is_test(&path) && code.contains(word) && !places.iter().any(|place| path.starts_with(place)) {
                wrong.push(format!("{path}: `{word}` belongs only in {places:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let long = all().into_iter().map(|(path, text)| (path, text.lines().count())).filter(|(_, lines)| *lines > 420);
    assert_eq!(long.collect::<Vec<_>>(), [], "split files of more than 420 lines");
}
