//! Reads the machine code of a linear kernel, as RADV prints it: what a step of its product costs.

/// An instruction, or the two of a dual-issue line.
struct Line<'a> {
    text: &'a str,
    /// The first instruction of the block that it may jump to.
    target: Option<usize>,
}

/// What one turn of a product's loop holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Loop {
    /// Instructions; two issued together count once.
    pub instructions: usize,
    /// Multiply-adds of one number a lane.
    pub multiply_adds: usize,
    /// Loads of vector memory.
    pub loads: usize,
    /// Loads of scalar memory.
    pub scalar_loads: usize,
    /// Most loads of vector memory that are under way at once.
    pub in_flight: usize,
}

/// The product's loop: the shortest that holds at least half of the multiply-adds of the loop that holds most. `None`
/// if no loop has any.
#[must_use]
pub fn product_loop(assembly: &str) -> Option<Loop> {
    let lines = parse(assembly);
    let spans =
        lines.iter().enumerate().filter_map(|(last, line)| Some(line.target.filter(|&first| first <= last)?..last + 1));
    let loops: Vec<(usize, &[Line<'_>])> = spans
        .map(|span| &lines[span])
        .map(|body| (body.iter().map(|line| multiply_adds(line.text)).sum(), body))
        .collect();
    let most = loops.iter().map(|(sums, _)| *sums).max().filter(|&most| most > 0)?;
    let (multiply_adds, body) =
        loops.into_iter().filter(|(sums, _)| 2 * sums >= most).min_by_key(|(_, body)| body.len())?;
    let count = |is: fn(&str) -> bool| body.iter().filter(|line| is(line.text)).count();
    Some(Loop {
        instructions: body.len(),
        multiply_adds,
        loads: count(vector_load),
        scalar_loads: count(scalar_load),
        in_flight: in_flight(body),
    })
}

/// Instructions by line, without comments; labels become what jumps to them.
fn parse(assembly: &str) -> Vec<Line<'_>> {
    let mut labels = Vec::new();
    let mut texts = Vec::new();
    for line in assembly.lines() {
        let text = line.split([';', '/']).next().unwrap_or_default().trim();
        match text.strip_suffix(':') {
            Some(label) => labels.push((label, texts.len())),
            None if text.starts_with(|c: char| c.is_ascii_lowercase()) => texts.push(text),
            None => {}
        }
    }
    let target = |text: &str| {
        let to = text.strip_prefix("s_cbranch").or_else(|| text.strip_prefix("s_branch"))?.split_whitespace().last()?;
        labels.iter().find(|(label, _)| *label == to).map(|(_, at)| *at)
    };
    texts.into_iter().map(|text| Line { text, target: target(text) }).collect()
}

/// Names of multiply-adds, or their beginnings; `mac` and `mad` where a chip has no fused ones at full rate.
const MULTIPLY_ADDS: [&str; 7] =
    ["v_fma_f32", "v_fmac_f32", "v_fmaak_f32", "v_fmamk_f32", "v_dual_fma", "v_mac_f32", "v_mad_f32"];

fn multiply_adds(text: &str) -> usize {
    let of = |half: &str| match half.trim() {
        half if half.starts_with("v_pk_fma_f32") => 2,
        half => usize::from(MULTIPLY_ADDS.iter().any(|name| half.starts_with(name))),
    };
    text.split("::").map(of).sum()
}

fn vector_load(text: &str) -> bool {
    ["global_load", "buffer_load", "flat_load"].iter().any(|load| text.starts_with(load))
}

fn scalar_load(text: &str) -> bool {
    text.starts_with("s_load") || text.starts_with("s_buffer_load")
}

/// Loads that a wait leaves under way, if it waits for vector memory.
fn left_by_wait(text: &str) -> Option<usize> {
    if let Some(count) = text.strip_prefix("s_wait_loadcnt") {
        return hexadecimal(count.trim());
    }
    let (_, after) = text.strip_prefix("s_waitcnt")?.split_once("vmcnt(")?;
    hexadecimal(after.split(')').next()?)
}

fn hexadecimal(text: &str) -> Option<usize> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| usize::from_str_radix(digits, 16).ok())
}

/// Follows the loop for two turns, as a wait may be for the loads of the turn before.
fn in_flight(body: &[Line<'_>]) -> usize {
    let (mut now, mut most) = (0, 0);
    for line in body.iter().chain(body) {
        if vector_load(line.text) {
            now += 1;
            most = most.max(now);
        } else if let Some(left) = left_by_wait(line.text) {
            now = now.min(left);
        }
    }
    // Without a wait the loads of both turns would be counted.
    most.min(body.iter().filter(|line| vector_load(line.text)).count())
}

#[cfg(test)]
mod tests {
    use super::{Loop, in_flight, parse, product_loop};

    const CODE: &str = "\
BB0:
	s_load_b128 s[0:3], s[4:5], null                            ; f4080002
BB1:
	global_load_b32 v1, v0, s[0:1]                              ; dc520000
	s_waitcnt vmcnt(0)                                          ; bf8903f7
	v_fmac_f32_e32 v2, v1, v1                                   ; 56040301
	s_cbranch_scc1 BB1                                          ; bfa2fffc
BB2:
	s_cbranch_scc0 BB3                                          ; bfa10009
	s_buffer_load_b32 s6, s[0:3], null                          ; f4200180
	buffer_load_b128 v[4:7], v0, s[0:3], 0 offen                ; e05c0000
	buffer_load_b128 v[8:11], v0, s[0:3], 0 offen offset:16     ; e05c0010
	s_waitcnt vmcnt(1) lgkmcnt(0)                               ; bf890407
	v_dual_fmac_f32 v2, v4, v5 :: v_dual_fmac_f32 v3, v4, v6    ; c8000b04
	s_waitcnt vmcnt(0)                                          ; bf8903f7
	v_pk_fma_f32 v[12:13], v[4:5], v[8:9], v[12:13]             ; cc1f000c
	s_branch BB2                                                ; bfa0fff6
BB3:
	v_fma_f32 v2, v2, v3, v12                                   ; d6130002
	s_endpgm                                                    ; bfb00000
";

    #[test]
    fn the_loop_with_most_multiply_adds_is_read() {
        let found = product_loop(CODE).unwrap();
        let right = Loop { instructions: 9, multiply_adds: 4, loads: 2, scalar_loads: 1, in_flight: 2 };
        assert_eq!(found, right);
        assert_eq!(product_loop(&CODE.replace("fma", "add")), None);
    }

    #[test]
    fn the_turn_inside_is_taken_not_the_loop_around_it() {
        let around = CODE.replace("BB3:\n", "BB3:\n\ts_cbranch_scc1 BB0 ; bfa20000\n");
        assert_eq!(product_loop(&around), product_loop(CODE));
    }

    #[test]
    fn loads_of_the_turn_before_are_under_way_until_they_are_waited_for() {
        let rotated = parse("\tv_add v0\n\ts_waitcnt vmcnt(0)\n\tglobal_load_b32 v1\n\tglobal_load_b32 v2\n");
        assert_eq!(in_flight(&rotated), 2);
        let each = parse("\tglobal_load_b32 v1\n\ts_wait_loadcnt 0x0\n\tglobal_load_b32 v2\n\ts_wait_loadcnt 0x0\n");
        assert_eq!(in_flight(&each), 1);
    }
}
