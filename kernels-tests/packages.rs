//! The packages that this one is made of: all have a licence that deny.toml allows, and come from crates.io.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Whether a licence expression can be met by licences that are `allowed`. A slash is an old way to write OR.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.trim();
    let any = split(expression, &[" OR ", "/"]);
    if any.len() > 1 {
        return any.iter().any(|part| is_met(part, allowed));
    }
    let all = split(expression, &[" AND "]);
    if all.len() > 1 {
        return all.iter().all(|part| is_met(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_met(inner, allowed),
        None => allowed.iter().any(|licence| licence == expression),
    }
}

/// The parts between words that stand in no brackets.
fn split<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if let Some(word) = words.iter().find(|word| depth == 0 && at >= start && text[at..].starts_with(**word)) {
            parts.push(&text[start..at]);
            start = at + word.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "Zlib", "Unicode-3.0"].map(str::to_owned);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 OR MIT", true),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND LGPL-2.1", false),
        ("GPL-3.0 OR (MIT AND Zlib)", true),
        ("(GPL-3.0 AND MIT) OR (MIT AND Apache-2.0)", false),
        ("MIT-0", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), expected, "{expression}");
    }
}

/// A list of deny.toml.
fn list(table: &str, key: &str) -> Vec<String> {
    let deny = toml("deny.toml");
    deny[table][key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A file at the root of the package.
fn toml(name: &str) -> toml::Table {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap().parse().unwrap()
}

#[test]
fn every_package_comes_from_where_deny_toml_allows() {
    let (lock, allowed) = (toml("Cargo.lock"), list("sources", "allow-registry"));
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    // Those of the workspace come from nowhere.
    let source = |package: &toml::Value| package.get("source").map(|source| source.as_str().unwrap().to_owned());
    let is_known = |source: &String| allowed.iter().any(|allowed| *source == format!("registry+{allowed}"));
    let strange: Vec<_> = packages.iter().filter_map(source).filter(|source| !is_known(source)).collect();
    assert_eq!(strange, [""; 0]);
}

/// As cargo knows them: Cargo.lock says nothing of licences.
#[test]
fn every_package_has_a_licence_that_deny_toml_allows() {
    let Some(cargo) = std::env::var_os("CARGO") else {
        return eprintln!("skipped: no cargo runs this test, which could be asked for the packages' licences");
    };
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&cargo);
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Packages of other systems may not be on this machine.
    let version = ask(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = ask(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let allowed = list("licenses", "allow");
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let strange = packages.iter().filter(|package| !is_met(&text(package, "license"), &allowed));
    let strange: Vec<_> = strange.map(|package| [text(package, "name"), text(package, "license")]).collect();
    assert!(strange.is_empty(), "deny.toml allows no such licence: {strange:?}");
}
