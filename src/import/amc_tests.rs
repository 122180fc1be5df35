use super::*;

const ASF: &str = ":version 1.10\n:units\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n \
    position 0 0 0\n orientation 0 0 0\n:bonedata\n begin\n id 1\n name femur\n direction 0 -1 0\n length 7\n \
    axis 0 0 20 XYZ\n dof rx rz\n limits (-160.0 20.0)\n (-70.0 70.0)\n end\n begin\n name tibia\n direction 0 -1 0\n \
    length 6.5\n end\n:hierarchy\n begin\n root femur\n femur tibia\n end\n";

const AMC: &str = "#!OML:ASF F:\\VICON\n:FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 4 5 6\nfemur 10 20\n\
    2\nroot 1 2 3 4 5 6\nfemur 30 40\n";

fn skeleton(text: &str) -> Result<Asf> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.asf");
    std::fs::write(&path, text).unwrap();
    Asf::read(&path)
}

fn frames(text: &str) -> Result<Vec<Vec<f64>>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.amc");
    std::fs::write(&path, text).unwrap();
    let asf = skeleton(ASF)?;
    let mut amc = Amc::open(&path, &asf)?;
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    while amc.next_frame(&mut frame)? {
        frames.push(frame.clone());
    }
    Ok(frames)
}

#[test]
fn reads_bones_and_frames() {
    let asf = skeleton(ASF).unwrap();
    assert!((asf.millimetres.unwrap() - 56.444_444).abs() < 1e-5);
    let names: Vec<&str> = asf.tree.joints.iter().map(|joint| joint.name.as_str()).collect();
    assert_eq!(names, ["root", "femur", "tibia"]);
    assert_eq!(asf.tree.joints[2].bone, Vector3::new(0.0, -6.5, 0.0));
    // The last degree of freedom comes first.
    assert_eq!(asf.tree.joints[1].channels, [Channel::Rotation(2), Channel::Rotation(0)]);
    let first = vec![6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 20.0, 10.0];
    assert_eq!(frames(AMC).unwrap()[0], first);
    assert_eq!(frames(&AMC.replace('\n', " \r\n\r\n")).unwrap()[0], first);
    let radians = frames(&AMC.replace(":DEGREES", ":RADIANS").replace("10 20", "0.5 1")).unwrap();
    assert!((radians[0][7] - 28.647_889_756).abs() < 1e-9 && radians[0][3] == 3.0);
    assert_eq!(skeleton(&ASF.replace("length 0.45", "")).unwrap().millimetres, None);
    // Angles of the skeleton in radians, in any case; without `:units` they are degrees.
    let turned = |text: &str| skeleton(text).unwrap().tree.joints[1].axes.angle().to_degrees();
    for (text, degrees) in [
        (ASF.to_owned(), 20.0),
        (ASF.replace("angle deg", "angle rad").replace("0 0 20 XYZ", "0 0 0.5 XYZ"), 28.647_889_756),
        (ASF.replace("angle deg", "Angle Radians").replace("0 0 20 XYZ", "0 0 0.5 XYZ"), 28.647_889_756),
        (ASF.replace("angle deg", "angle DEGREES"), 20.0),
        (ASF.replace(":units\n length 0.45\n angle deg\n", ""), 20.0),
    ] {
        assert!((turned(&text) - degrees).abs() < 1e-9, "{text}");
    }
}

#[test]
fn wrong_skeletons_are_named() {
    for (from, to, words) in [
        ("length 0.45", "length 0", "line 3: length 0"),
        ("angle deg", "angle turns", "line 4: angle 'turns'"),
        ("length 7\n", "length x\n", "line 15: 'x' is not a finite number"),
        ("length 7\n", "length\n", "line 15: '' is not a finite number"),
        ("direction 0 -1 0\n length 7", "direction 0 -1", "line 14: 2 numbers where 3 belong"),
        ("direction 0 -1 0\n length 7", "direction 0 nan 0", "'nan' is not a finite number"),
        ("20 XYZ", "20 XYW", "axis order 'XYW'"),
        ("20 XYZ", "20 X", "axis order 'X'"),
        ("dof rx rz", "dof rx l", "'l' is not supported"),
        ("dof rx rz", "dof tx", "a bone that moves"),
        ("dof rx rz", "dof rx rx rx rx rx rx rx", "7 degrees of freedom"),
        ("name tibia", "name femur", "a second 'femur'"),
        ("name tibia", "name root", "a second 'root'"),
        ("name tibia\n", "", "a bone without a name"),
        (" begin\n id 1", " id 1", "no 'begin' yet"),
        ("femur tibia\n", "femur fibula\n", "no bone is named 'fibula'"),
        ("femur tibia\n", "", ":hierarchy: 'tibia' does not hang on the root"),
        ("root femur\n femur tibia\n", "femur tibia\n tibia femur\n", "does not hang on the root"),
        ("femur tibia\n", "femur tibia\n root tibia\n", "'tibia' has two parents"),
        ("femur tibia\n", "femur tibia root\n", "'root' has two parents"),
        (":version 1.10\n", "HIERARCHY\n", "no ':' section yet"),
    ] {
        let error = skeleton(&ASF.replacen(from, to, 1)).expect_err(words).to_string();
        assert!(error.contains(words) && error.contains("a.asf"), "{error}\n{words}");
    }
    assert!(skeleton("").unwrap_err().to_string().contains("there is no bone"));
    let error = skeleton(&format!(":bonedata\n{}", "begin\n".repeat(20_000))).unwrap_err().to_string();
    assert!(error.contains("more than 10000 bones"), "{error}");
    // A chain as long as may be.
    let bones: String = (0..10_000).map(|bone| format!("begin\nname b{bone}\nend\n")).collect();
    let links: String = (0..9_999).map(|bone| format!("b{bone} b{}\n", bone + 1)).collect();
    let chain = skeleton(&format!(":bonedata\n{bones}:hierarchy\nroot b0\n{links}")).unwrap();
    assert_eq!(chain.tree.joints[10_000].parent, Some(9_999));
}

#[test]
fn wrong_motion_is_named() {
    for (from, to, words) in [
        ("femur 10 20", "femur 10", "line 6: 'femur' has 1 numbers for 2 degrees of freedom"),
        ("femur 10 20", "femur 10 nan", "line 6: 'nan' is not a finite number"),
        ("femur 10 20", "fibula 10 20", "line 6: 'fibula' is no bone of"),
        ("femur 10 20", "femur 10 20\nfemur 10 20", "'femur' twice in one frame"),
        ("femur 10 20\n", "", "line 6: the frame before it has no 'femur'"),
        ("femur 30 40\n", "", "the frame before it has no 'femur'"),
        ("\n2\n", "\n3\n", "frame 3 after frame 1"),
        ("\n2\n", "\n99999999999999999999\n", "'99999999999999999999' is no bone"),
        ("\n1\n", "\n18446744073709551615\n", "frame 2 after frame 18446744073709551615"),
        ("\n1\n", "\n", "'root 1 2 3 4 5 6' before the first frame's number"),
    ] {
        let error = frames(&AMC.replacen(from, to, 1)).expect_err(words).to_string();
        assert!(error.contains(words) && error.contains("a.amc"), "{error}\n{words}");
    }
    assert!(frames("").unwrap().is_empty());
    // Cut anywhere: an error, or whole frames.
    let whole = frames(AMC).unwrap();
    let first = AMC.find("\n2\n").unwrap();
    for cut in 0..AMC.len() - 2 {
        match frames(&AMC[..cut]) {
            Ok(frames) => assert!(frames.is_empty() || frames == whole[..1] || cut < first, "{}", &AMC[..cut]),
            Err(error) => assert!(error.to_string().contains("line"), "{error}"),
        }
    }
}
