use super::*;

/// An upright person of Human3.6M's size, left at positive x, facing -y, millimetres.
fn person() -> [[f32; 3]; JOINTS] {
    let (leg, arm) = (
        [[130.0, 0.0, 920.0], [130.0, 0.0, 470.0], [130.0, 0.0, 30.0]],
        [[150.0, 0.0, 1400.0], [430.0, 0.0, 1400.0], [680.0, 0.0, 1400.0]],
    );
    let trunk = [[0.0, 0.0, 1150.0], [0.0, 0.0, 1400.0], [0.0, -60.0, 1500.0], [0.0, 0.0, 1610.0]];
    let right = |limb: [[f32; 3]; 3]| limb.map(|[x, y, z]| [-x, y, z]);
    let mut joints = vec![[0.0, 0.0, 920.0]];
    for limb in [&right(leg)[..], &leg, &trunk, &arm, &right(arm)] {
        joints.extend(limb);
    }
    joints.try_into().unwrap()
}

/// A clip of this many frames, each moved by a function of its number.
fn motion(frames: usize, place: impl Fn(usize, usize, [f32; 3]) -> [f32; 3]) -> Motion {
    let person = person();
    let frame = |number: usize| (0..JOINTS).flat_map(|joint| place(number, joint, person[joint])).collect::<Vec<f32>>();
    Motion {
        positions: (0..frames).flat_map(frame).collect(),
        clip_start: vec![0, frames],
        clip_names: vec!["walk".into()],
        fps: 30.0,
        ..Motion::default()
    }
}

/// Walks along x.
fn walk(number: usize, _: usize, [x, y, z]: [f32; 3]) -> [f32; 3] {
    [x + 40.0 * number as f32, y, z]
}

fn wrong(motion: &Motion) -> (&'static str, String) {
    let wrong = motion.findings().wrong.unwrap();
    assert!(wrong.fix.contains("`allow_implausible`"), "{}", wrong.fix);
    (wrong.field, wrong.problem)
}

#[test]
fn a_person_is_neither_wrong_nor_odd() {
    assert_eq!(motion(10, walk).findings(), Findings::default());
    // One frame cannot stand still, and a clip without frames says nothing.
    assert_eq!(motion(1, walk).findings(), Findings::default());
    assert_eq!(Motion::default().findings(), Findings::default());
}

#[test]
fn other_units_are_refused_or_odd() {
    let scaled = |factor: f32| motion(3, move |n, j, p| walk(n, j, p).map(|v| v * factor));
    for (factor, metres) in [(0.001, "0.0041"), (0.1, "0.4122"), (100.0, "412"), (1000.0, "4122")] {
        let (field, problem) = wrong(&scaled(factor));
        assert_eq!(field, "unit");
        assert!(problem.starts_with(&format!("clip 'walk': the bones add up to {metres}")), "{problem}");
        assert!(problem.ends_with(" m, a person's to about 5.3"), "{problem}");
    }
    for factor in [0.3, 2.54] {
        let findings = scaled(factor).findings();
        assert_eq!(findings.wrong, None);
        assert!(findings.odd[0].starts_with("in 1 of 1 clips the bones add up to "), "{:?}", findings.odd);
        assert!(findings.odd[0].ends_with("m, a person's to 2 to 9: check `unit`; the first is 'walk'"));
    }
    for factor in [0.6, 1.3] {
        assert_eq!(scaled(factor).findings(), Findings::default());
    }
}

#[test]
fn joints_at_one_place_are_refused() {
    let (field, problem) = wrong(&motion(3, |n, j, p| walk(n, j, if j < 10 { person()[0] } else { p })));
    assert_eq!(
        (field, &*problem),
        ("positions", "clip 'walk': 9 of the 16 bones have no length: most joints are at one place")
    );
    assert_eq!(wrong(&motion(3, |_, _, _| [0.0; 3])).0, "positions");
    // One joint on another is odd only.
    let findings = motion(3, |n, j, p| walk(n, j, if j == 10 { person()[9] } else { p })).findings();
    assert_eq!(findings.wrong, None);
    let odd = "in 1 of 1 clips joints lie on each other throughout: Head on Neck/Nose (1); the first is 'walk'";
    assert_eq!(findings.odd, [odd]);
}

#[test]
fn lengths_that_change_are_refused() {
    let (field, problem) = wrong(&motion(9, |n, _, p| p.map(|v| if n == 5 { 2.5 * v } else { v })));
    assert_eq!(
        (field, &*problem),
        (
            "positions",
            "clip 'walk': 16 of the 16 bones change their length by more than a factor 2 (that to RHip is 130 to 325 mm \
         long): the positions contradict each other"
        )
    );
    // The arms alone are a reader's jitter, and a change by less than that a stretch.
    let arms = motion(9, |n, j, p| walk(n, j, if n == 5 && j > 10 { p.map(|v| 3.0 * v) } else { p }));
    assert_eq!(arms.findings().wrong, None);
    assert_eq!(motion(9, |n, _, p| p.map(|v| if n == 5 { 1.9 * v } else { v })).findings().wrong, None);
}

#[test]
fn what_is_odd_is_counted() {
    let odd = |motion: Motion| {
        let findings = motion.findings();
        assert_eq!(findings.wrong, None);
        findings.odd
    };
    assert_eq!(
        odd(motion(10, |_, _, p| p)),
        ["1 of 1 clips do not move: all frames of each are the same; the first is 'walk'"]
    );
    let shorter = |n, j, [x, y, z]: [f32; 3]| walk(n, j, if j == 13 { [x - 50.0, y, z] } else { [x, y, z] });
    let sides =
        "in 1 of 1 clips bones of left and right differ by more than 10 %: LWrist and RWrist (1); the first is 'walk'";
    assert_eq!(odd(motion(10, shorter)), [sides]);
    assert_eq!(
        odd(motion(10, |n, j, [x, y, z]| walk(n, j, [x, y, -z]))),
        ["in 10 of 10 frames the head is below the hips: check which axis is up (`up`)"]
    );
    let lies = odd(motion(10, |n, j, [x, y, z]| walk(n, j, [x, -z, y])));
    assert!(
        lies[0].starts_with(
            "in 10 of 10 frames the trunk is more than 60 degrees off the vertical: unless the person lies"
        ),
        "{lies:?}"
    );
    let jump = |n, j, [x, y, z]: [f32; 3]| walk(n, j, if n == 4 { [x, y + 1200.0, z] } else { [x, y, z] });
    let jumps = "in 2 of 10 frames the hips jump: they are more than 1 m from where they were a frame before; the first is \
         frame 4 of 'walk'";
    assert_eq!(odd(motion(10, jump)), [jumps]);
    assert_eq!(odd(Motion { fps: 15.0, ..motion(10, jump) }), [""; 0]);
    // Frames without a person do not spoil the lengths.
    let gone = motion(10, |n, j, p| if n == 3 || n == 6 { [0.0; 3] } else { walk(n, j, p) });
    assert_eq!(odd(gone), ["2 of 10 frames have all joints at 0; the first is frame 3 of 'walk'"]);
    let gone = motion(10, |n, j, p| if n == 3 { [5.0; 3] } else { walk(n, j, p) });
    assert_eq!(odd(gone), ["1 of 10 frames have all joints at one place; the first is frame 3 of 'walk'"]);
    let slow = odd(Motion { fps: 0.0333, ..motion(10, walk) });
    assert_eq!(slow, ["0.0333 frames in a second: check the frame rate"]);
}

#[test]
fn clips_are_looked_at_apart() {
    let mut both = motion(4, walk);
    both.positions.extend(motion(6, |n, j, p| walk(n, j, p.map(|v| v * 100.0))).positions);
    both.positions.extend(motion(6, |n, j, p| walk(n, j, p.map(|v| v * 100.0))).positions);
    both.clip_start.extend([10, 16]);
    both.clip_names.extend(["giant".into(), "other".into()]);
    let (_, problem) = wrong(&both);
    assert!(problem.starts_with("clip 'giant': ") && problem.ends_with("(and 1 more clips are wrong)"), "{problem}");
}
