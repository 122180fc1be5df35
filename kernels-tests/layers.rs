//! The design's one-way imports and its rules on what may be named where, checked on the source text. Who may import
//! whom is said in one place: the table of docs/architecture.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules, each with what it may import; `None` for everything.
type Layers = BTreeMap<String, Option<BTreeSet<String>>>;

const TABLE: &str = "docs/architecture.md, \"Who imports whom\"";

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// The table under the heading "Who imports whom": module, prose, what it uses.
fn layers(document: &str) -> Layers {
    let (_, table) = document.split_once("## Who imports whom\n").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let layer = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [modules, _, uses] = cells[..] else { panic!("{TABLE}: three columns, not: {row}") };
        let modules: Vec<String> = quoted(modules).collect();
        let [module] = &modules[..] else { panic!("{TABLE}: one module a row, in backticks, not: {row}") };
        let imports = match uses {
            "everything" => None,
            "nothing" => Some(BTreeSet::new()),
            list => {
                let imports: Vec<String> = quoted(list).collect();
                let written = imports.iter().map(|import| format!("`{import}`")).collect::<Vec<_>>().join(", ");
                assert_eq!(list, written, "{TABLE}: `{module}` uses modules in backticks, `nothing` or `everything`");
                Some(imports.into_iter().collect())
            }
        };
        (module.clone(), imports)
    };
    rows.skip(2).map(layer).collect()
}

/// A way from `module` over what it and the others may import back to it, if there is one.
fn circle(layers: &Layers, module: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![module.to_owned()]];
    while let Some(way) = ways.pop() {
        let imports = way.last().and_then(|last| layers.get(last)?.as_ref()).into_iter().flatten();
        for import in imports {
            let longer: Vec<String> = way.iter().chain([import]).cloned().collect();
            if import == module {
                return Some(longer);
            }
            if seen.insert(import) {
                ways.push(longer);
            }
        }
    }
    None
}

/// What the table must say instead.
fn wrong(layers: &Layers, used: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let cell = |imports: &BTreeSet<String>| match imports.is_empty() {
        true => "nothing".to_owned(),
        false => imports.iter().map(|import| format!("`{import}`")).collect::<Vec<_>>().join(", "),
    };
    for (module, imports) in used {
        match layers.get(module) {
            None => wrong.push(format!("add the row: | `{module}` | (what it is) | {} |", cell(imports))),
            Some(None) => {}
            Some(Some(allowed)) => {
                let fix = |import: &String, what: &str| format!("`{module}`: {what} `{import}`");
                let forbidden = imports
                    .difference(allowed)
                    .map(|import| fix(import, "it must not use, or the third column must list,"));
                wrong.extend(forbidden);
                wrong.extend(allowed.difference(imports).map(|import| fix(import, "strike what it no longer uses:")));
            }
        }
    }
    let gone = layers.keys().filter(|module| !used.contains_key(*module));
    wrong.extend(gone.map(|module| format!("strike the row of `{module}`: there is no such module")));
    for module in layers.keys() {
        // Each circle is told once, from its first module.
        let circle = circle(layers, module).filter(|way| way.iter().all(|other| module <= other));
        wrong.extend(circle.map(|way| format!("`{module}`: break the circle {}", way.join(" -> "))));
    }
    wrong
}

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

/// What each module imports in the code of its files.
fn used() -> BTreeMap<String, BTreeSet<String>> {
    let mut used = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, text) in all() {
        let module = path.split(['/', '.']).next().unwrap_or_default().to_owned();
        if is_test(&path) || matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        // What the root exports itself belongs to a module too.
        let home = |import: String| match import.as_str() {
            "Error" | "Result" => "error".to_owned(),
            "Named" => "named".to_owned(),
            _ => import,
        };
        let found = imports(&code(&text)).into_iter().map(home).filter(|import| *import != module);
        used.entry(module.clone()).or_default().extend(found);
    }
    used
}

#[test]
fn imports_are_those_of_the_table() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let wrong = wrong(&layers(&std::fs::read_to_string(document).unwrap()), &used());
    assert!(wrong.is_empty(), "{TABLE}:\n{}", wrong.join("\n"));
}

#[test]
fn a_table_that_is_wrong_is_told_what_to_say() {
    let text = "## Who imports whom\n\n| module | what | uses |\n|---|---|---|\n| `a` | one | `b`, `d` |\n\
                | `b` | two | `a` |\n| `c` | gone | nothing |\n| `cli` | all | everything |\n\nMore.\n";
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let uses: [(&str, &[&str]); 4] = [("a", &["b", "e"]), ("b", &["a"]), ("cli", &["a"]), ("e", &[])];
    let used = uses.map(|(module, imports)| (module.to_owned(), set(imports))).into();
    assert_eq!(
        wrong(&layers(text), &used),
        [
            "`a`: it must not use, or the third column must list, `e`",
            "`a`: strike what it no longer uses: `d`",
            "add the row: | `e` | (what it is) | nothing |",
            "strike the row of `c`: there is no such module",
            "`a`: break the circle a -> b -> a",
        ]
    );
}

#[test]
fn special_words_stay_in_their_places() {
    let rules: &[(&str, &[&str])] = &[
        ("wgpu::", &["gpu/", "plan/gpu.rs", "plan/gpu/"]),
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

/// How much `unsafe` there is, file by file: one more is a decision, and so is a place that could do without.
const UNSAFE: [(&str, usize); 5] = [
    ("cpu/product/split.rs", 2),
    ("cpu/product/stream.rs", 2),
    ("cpu/product/tile.rs", 9),
    ("gpu/instance.rs", 3),
    ("gpu/mod.rs", 1),
];

#[test]
fn unsafe_code_is_counted() {
    let count = |text: &str| ["{", "fn", "impl", "extern"].map(|what| text.matches(&format!("unsafe {what}")).count());
    let mut found: Vec<_> = all().iter().map(|(path, text)| (path.clone(), count(&code(text)).iter().sum())).collect();
    found.retain(|(_, count)| *count > 0);
    found.sort();
    assert_eq!(found, UNSAFE.map(|(path, count)| (path.to_owned(), count)));
}

/// What stands in the string literals of a file, in its unit tests too. A quote in a comment may hide some.
fn strings(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, here) = rest.split_at(at);
        let skipped = match here.as_bytes() {
            [b'/', b'/', ..] => here.find('\n').unwrap_or(here.len()),
            [b'"', ..] => {
                let hashes = before.len() - before.trim_end_matches('#').len();
                let is_raw = before.trim_end_matches('#').ends_with('r');
                let end = if is_raw { raw_end(here, hashes) } else { escaped_end(here) };
                found.push(&here[1..end]);
                end + 1
            }
            // A quote, or a backslash and what it stands before, as a character.
            [b'\'', b'\\', _, b'\'', ..] => 4,
            [b'\'', _, b'\'', ..] => 3,
            _ => 1,
        };
        rest = &here[skipped.min(here.len())..];
    }
    found
}

fn raw_end(literal: &str, hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(hashes));
    literal[1..].find(&end).map_or(literal.len(), |end| end + 1)
}

fn escaped_end(literal: &str) -> usize {
    let mut escaped = false;
    let is_end = |c: char| {
        let end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        end
    };
    literal[1..].find(is_end).map_or(literal.len(), |end| end + 1)
}

#[test]
fn strings_of_a_text_are_found() {
    let text = r###"// "no"
let a = ["x \" y", '"', '\"', "b\\"]; let b = r#"raw " \"#; fn c<'a>(d: &'a str) {} / "--e""###;
    assert_eq!(strings(text), [r#"x \" y"#, r"b\\", r#"raw " \"#, "--e"]);
}

#[test]
fn only_the_command_line_names_flags_and_commands() {
    let names_flag = |string: &str| {
        // A variable of a style sheet is none.
        let text = string.replace("var(--", "");
        let mut marks = text.match_indices("--").map(|(at, _)| text.split_at(at));
        marks.any(|(before, flag)| {
            (before.is_empty() || before.ends_with([' ', '`', '(', '\n']))
                && flag[2..].starts_with(|c: char| c.is_ascii_alphabetic())
        })
    };
    let is_library = |path: &str| !path.starts_with("cli/") && !is_test(path) && path != "report/skeleton.rs";
    let mut wrong = Vec::new();
    for (path, text) in all().into_iter().filter(|(path, _)| is_library(path)) {
        let named = |string: &&str| names_flag(string) || string.contains("`isopose ");
        let found = strings(&text).into_iter().filter(named);
        wrong.extend(found.map(|string| format!("{path}: name settings and modules, in backticks, not: {string}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let long = all().into_iter().map(|(path, text)| (path, text.lines().count())).filter(|(_, lines)| *lines > 420);
    assert_eq!(long.collect::<Vec<_>>(), [], "split files of more than 420 lines");
}

/// The files that CONTRIBUTING names at the heads of the points of a section.
fn files_to_touch(section: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRIBUTING.md")).unwrap();
    let start = text.find(&format!("## {section}\n")).unwrap_or_else(|| panic!("CONTRIBUTING.md has no `{section}`"));
    let body = text[start + 3..].split("\n## ").next().unwrap_or_default();
    let heads = body.lines().filter(|line| line.starts_with("- `")).filter_map(|line| line.split(':').next());
    heads.flat_map(|head| head.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn what_contributing_says_to_touch_is_there_and_little() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let task = files_to_touch("Add a self-supervised task");
    let mode = files_to_touch("Add an adaptation mode");
    for file in task.iter().chain(&mode).filter(|file| !file.contains("NAME")) {
        assert!(root.join(file).exists(), "CONTRIBUTING.md names {file}, which is not there");
    }
    assert!((1..=8).contains(&task.len()), "a task is {} files: {task:?}", task.len());
    assert_eq!(mode, ["src/adapt/policy.rs"], "a mode is a row of one table");
    // One task as an example: nothing else knows of it, but for its kernels and their cases.
    let known = |path: &str| {
        let path = format!("src/{path}");
        path == "src/task/cycle.rs" || path.ends_with("cases.rs") || task.contains(&path)
    };
    let kernels = |path: &str| path.starts_with("kernels/") || path.starts_with("cpu/");
    let words = ["cycle::", "cyc2d", "cyc3d", "CYCLE_LOSS"];
    let sources = all().into_iter().filter(|(path, _)| !is_test(path) && !kernels(path) && !known(path));
    let elsewhere: Vec<_> = sources.filter(|(_, text)| words.iter().any(|word| code(text).contains(word))).collect();
    let elsewhere: Vec<_> = elsewhere.into_iter().map(|(path, _)| path).collect();
    assert!(elsewhere.is_empty(), "the cycle is known in {elsewhere:?}, which CONTRIBUTING.md does not name");
}
