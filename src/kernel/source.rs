//! `#import shared/NAME.wgsl`: the only preprocessing that shaders get.

use super::Tile;

/// The shared files, embedded: functions and types, never dispatched.
static SHARED: &[(&str, &str)] = &[
    ("shared/adam.wgsl", include_str!("../../shaders/shared/adam.wgsl")),
    ("shared/average.wgsl", include_str!("../../shaders/shared/average.wgsl")),
    ("shared/bone_scale.wgsl", include_str!("../../shaders/shared/bone_scale.wgsl")),
    ("shared/dropout.wgsl", include_str!("../../shaders/shared/dropout.wgsl")),
    ("shared/linear_backward_input.wgsl", include_str!("../../shaders/shared/linear_backward_input.wgsl")),
    ("shared/linear_forward.wgsl", include_str!("../../shaders/shared/linear_forward.wgsl")),
    ("shared/linear_gradient.wgsl", include_str!("../../shaders/shared/linear_gradient.wgsl")),
    ("shared/linear_subgroup.wgsl", include_str!("../../shaders/shared/linear_subgroup.wgsl")),
    ("shared/linear_tile.wgsl", include_str!("../../shaders/shared/linear_tile.wgsl")),
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
/// what `tile` is in WGSL.
///
/// # Errors
/// The name of an import that does not exist.
pub(crate) fn expand_imports(source: &str, tile: Option<&Tile>) -> Result<String, String> {
    let mut seen = Vec::new();
    let mut out = String::with_capacity(source.len() * 2);
    expand(source, tile, &mut seen, &mut out)?;
    Ok(out)
}

fn expand(source: &str, tile: Option<&Tile>, seen: &mut Vec<String>, out: &mut String) -> Result<(), String> {
    for line in source.lines() {
        let Some(name) = line.strip_prefix("#import ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = name.trim();
        if seen.iter().any(|s| s == name) {
            continue;
        }
        seen.push(name.to_owned());
        if let ("tile", Some(tile)) = (name, tile) {
            expand(&tile.wgsl(), Some(tile), seen, out)?;
            continue;
        }
        let (_, text) =
            SHARED.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("unknown import `{name}`"))?;
        expand(text, tile, seen, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::expand_imports;

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
