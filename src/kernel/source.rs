//! `#import shared/NAME.wgsl` and `#each i COUNT: LINE`: the only preprocessing that shaders get.

use super::Tile;

/// The shared files, embedded: functions and types, never dispatched.
static SHARED: &[(&str, &str)] = &[
    ("shared/adam.wgsl", include_str!("../../shaders/shared/adam.wgsl")),
    ("shared/average.wgsl", include_str!("../../shaders/shared/average.wgsl")),
    ("shared/bone_scale.wgsl", include_str!("../../shaders/shared/bone_scale.wgsl")),
    ("shared/dropout.wgsl", include_str!("../../shaders/shared/dropout.wgsl")),
    ("shared/folded_norm_backward.wgsl", include_str!("../../shaders/shared/folded_norm_backward.wgsl")),
    ("shared/lift_corrected.wgsl", include_str!("../../shaders/shared/lift_corrected.wgsl")),
    ("shared/linear_backward_input.wgsl", include_str!("../../shaders/shared/linear_backward_input.wgsl")),
    ("shared/linear_forward.wgsl", include_str!("../../shaders/shared/linear_forward.wgsl")),
    ("shared/linear_gradient.wgsl", include_str!("../../shaders/shared/linear_gradient.wgsl")),
    ("shared/linear_store.wgsl", include_str!("../../shaders/shared/linear_store.wgsl")),
    ("shared/linear_subgroup.wgsl", include_str!("../../shaders/shared/linear_subgroup.wgsl")),
    ("shared/linear_tile.wgsl", include_str!("../../shaders/shared/linear_tile.wgsl")),
    ("shared/linear_tile_parts.wgsl", include_str!("../../shaders/shared/linear_tile_parts.wgsl")),
    ("shared/linear_tile_store.wgsl", include_str!("../../shaders/shared/linear_tile_store.wgsl")),
    ("shared/math.wgsl", include_str!("../../shaders/shared/math.wgsl")),
    ("shared/noise.wgsl", include_str!("../../shaders/shared/noise.wgsl")),
    ("shared/pose.wgsl", include_str!("../../shaders/shared/pose.wgsl")),
    ("shared/random.wgsl", include_str!("../../shaders/shared/random.wgsl")),
    ("shared/rotation.wgsl", include_str!("../../shaders/shared/rotation.wgsl")),
    ("shared/state.wgsl", include_str!("../../shaders/shared/state.wgsl")),
    ("shared/streams.wgsl", include_str!("../../shaders/shared/streams.wgsl")),
    ("shared/supervised.wgsl", include_str!("../../shaders/shared/supervised.wgsl")),
    ("shared/turn.wgsl", include_str!("../../shaders/shared/turn.wgsl")),
];

/// Replaces each line `#import shared/NAME.wgsl` by that file, once (later imports of it vanish), and `#import tile` by
/// what `tile` is in WGSL. There, a line `#each i COUNT j OTHER: LINE` becomes LINE for each i and j, with `{i}` for the
/// number, `{i/4}` for its quotient and `{i%4}` for its remainder; counts and divisors are constants of the tile. So
/// what a tile holds in registers are variables of its own: several compilers keep an array in memory.
///
/// # Errors
/// The name of an import that does not exist, or the line that cannot be repeated.
pub(crate) fn expand_imports(source: &str, tile: Option<&Tile>) -> Result<String, String> {
    let mut seen = Vec::new();
    let mut out = String::with_capacity(source.len() * 2);
    expand(source, tile, &mut seen, &mut out)?;
    Ok(out)
}

fn expand(source: &str, tile: Option<&Tile>, seen: &mut Vec<String>, out: &mut String) -> Result<(), String> {
    for line in source.lines() {
        if let Some((indent, each)) = line.split_once("#each ") {
            let lines = tile.and_then(|tile| repeat(each, tile)).ok_or_else(|| format!("cannot repeat `{line}`"))?;
            lines.iter().for_each(|line| out.extend([indent, line, "\n"]));
            continue;
        }
        let Some(name) = line.trim_start().strip_prefix("#import ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = name.trim();
        if seen.iter().any(|s| s == name) {
            continue;
        }
        seen.push(name.to_owned());
        let name = match (name, tile) {
            ("tile", Some(tile)) => {
                expand(&tile.wgsl(), Some(tile), seen, out)?;
                continue;
            }
            ("finish", Some(tile)) => tile.finish(),
            _ => name,
        };
        let (_, text) =
            SHARED.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("unknown import `{name}`"))?;
        expand(text, tile, seen, out)?;
    }
    Ok(())
}

/// `i COUNT j OTHER: LINE` written out, i changing slowest.
fn repeat(each: &str, tile: &Tile) -> Option<Vec<String>> {
    let (counts, line) = each.split_once(": ")?;
    let words: Vec<&str> = counts.split(' ').collect();
    let mut lines = vec![line.to_owned()];
    for pair in words.chunks(2) {
        let [name, count] = pair else { return None };
        let count = tile.constant(count)?;
        let each = |line: &String| (0..count).map(|i| substitute(line, name, i, tile)).collect::<Option<Vec<_>>>();
        lines = lines.iter().map(each).collect::<Option<Vec<_>>>()?.concat();
    }
    Some(lines)
}

/// `line` with `i` for `{name}`, and what is asked of it for `{name/N}` and `{name%N}`.
fn substitute(line: &str, name: &str, i: u32, tile: &Tile) -> Option<String> {
    let opening = format!("{{{name}");
    let mut parts = line.split(&opening);
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (asked, rest) = part.split_once('}')?;
        let value = match asked.split_at_checked(1) {
            None => i,
            Some(("/", divisor)) => i / tile.constant(divisor)?,
            Some(("%", divisor)) => i % tile.constant(divisor)?,
            Some(_) => return None,
        };
        out.push_str(&value.to_string());
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{expand_imports, repeat};
    use crate::kernel::Product;

    #[test]
    fn lines_are_written_out() {
        let tile = Product::Forward.declared();
        let lines = repeat("q 2 r COLUMNS: a_{q}_{r} = b[{q/2}] + {q%2}u;", tile).unwrap();
        assert_eq!(tile.columns, 1);
        assert_eq!(lines, ["a_0_0 = b[0] + 0u;", "a_1_0 = b[0] + 1u;"]);
        assert_eq!(repeat("r ROWS: x", tile).unwrap().len(), tile.rows as usize);
        for wrong in ["r: x", "r ROWS x", "r NOTHING: {r}", "r 2: {r", "r 2: {r*2}", "r 2: {r/NOTHING}"] {
            assert_eq!(repeat(wrong, tile), None, "{wrong}");
        }
    }

    #[test]
    fn imports_once_and_refuses_the_unknown() {
        let text = expand_imports("#import shared/random.wgsl\n#import shared/random.wgsl\nfn f() {}", None).unwrap();
        assert_eq!(text.matches("fn pcg4d").count(), 1, "the second import must vanish");
        assert!(text.ends_with("fn f() {}\n"), "the rest of the shader must stay");
        assert!(
            expand_imports("#import shared/nothing.wgsl", None).unwrap_err().contains("nothing"),
            "must name the file"
        );
    }
}
