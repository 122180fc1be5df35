//! Tests of what is the frame and the recording of an image.

use serde_json::json;

use super::*;

fn image(id: ImageId, name: Option<&str>) -> (ImageId, Image) {
    (id, Image { file_name: name.map(str::to_owned), ..Image::default() })
}

/// The recording and the frame of every image.
fn placed(images: &[(ImageId, Image)]) -> Vec<(String, i32)> {
    let places = places(images).0;
    images.iter().map(|(id, _)| places[id].clone()).collect()
}

fn at(video: &str, frames: &[i32]) -> Vec<(String, i32)> {
    frames.iter().map(|frame| (video.to_owned(), *frame)).collect()
}

#[test]
fn ids_are_frames_where_they_can_be() {
    let images = [12, 7, 900].map(|id| image(ImageId::Number(id), Some("a/0001.jpg")));
    assert_eq!(placed(&images), at("a", &[12, 7, 900]));
    let named = ["v_03.jpg", "v_01.jpg"].map(|name| image(ImageId::Name(name.into()), None));
    assert_eq!(placed(&named), at("", &[3, 1]));
    // Two of the same number: the order counts.
    let twice = ["b_1.jpg", "c_1.jpg"].map(|name| image(ImageId::Name(name.into()), None));
    assert_eq!(placed(&twice), at("", &[0, 1]));
}

#[test]
fn ids_beyond_32_bits_give_way_to_names_then_to_the_order() {
    // PoseTrack18's.
    let ids = [10_003_420_000, 10_003_420_007];
    let names = ["images/val/000342_mpii_test/000000.jpg", "images/val/000342_mpii_test/000007.jpg"];
    let images: Vec<_> = ids.iter().zip(names).map(|(id, name)| image(ImageId::Number(*id), Some(name))).collect();
    assert_eq!(placed(&images), at("images/val/000342_mpii_test", &[0, 7]));
    assert!(places(&images).1.is_empty());
    // Time stamps in milliseconds.
    let times = [1_623_456_789_052, 1_623_456_789_012].map(|id| image(ImageId::Number(id), None));
    assert_eq!(placed(&times), at("", &[1, 0]));
    assert!(places(&times).1[0].contains("beyond 32 bits"));
    // Numbers that count keep their gaps.
    let counted = [0, 1, 1000].map(|frame| image(ImageId::Number(10_003_420_000 + frame), None));
    assert_eq!(placed(&counted), at("", &[0, 1, 1000]));
    let named = ["1623456789052.jpg", "1623456789012.jpg"].map(|name| image(ImageId::Name(name.into()), None));
    assert_eq!(placed(&named), at("", &[1, 0]));
    assert_eq!(places(&named).1.len(), 1);
    // An image that is listed twice is one.
    let twice = [12, 900, 12].map(|id| image(ImageId::Number(id), None));
    assert_eq!(placed(&twice), at("", &[12, 900, 12]));
    assert_eq!(places(&twice).1, ["1 ids of images stand in the list again: the first counts"]);
}

#[test]
fn recordings_are_folders_or_what_the_file_says() {
    let images = ["a/1.jpg", "b/1.jpg", "b\\2.jpg"].map(|name| image(ImageId::Name(name.into()), None));
    assert_eq!(placed(&images), [at("a", &[1]), at("b", &[1, 2])].concat());
    let mut images = [4, 5].map(|id| image(ImageId::Number(id), None));
    images[1].1.video = Some("9".into());
    assert_eq!(placed(&images), [at("", &[4]), at("9", &[5])].concat());
    images.iter_mut().zip(0..).for_each(|((_, image), frame)| image.frame = Some(frame));
    assert_eq!(placed(&images), [at("", &[0]), at("9", &[1])].concat());
}

#[test]
fn numbers_are_read_as_they_are_meant() {
    let id = |value| {
        let (value, path) = (value, std::path::Path::new("f"));
        ImageId::of(&Node::root(path, &value)).ok()
    };
    assert_eq!(id(json!(12)), Some(ImageId::Number(12)));
    assert_eq!(id(json!(12.0)), Some(ImageId::Number(12)));
    assert_eq!(id(json!("000000000012")), Some(ImageId::Number(12)));
    assert_eq!(id(json!("12.jpg")), Some(ImageId::Name("12.jpg".into())));
    assert_eq!((id(json!(12.5)), id(json!([1])), id(json!(null))), (None, None, None));
    let track = |value| track(&Node::root(std::path::Path::new("f"), &value));
    assert_eq!(track(json!({"track_id": 7})), Some(7));
    assert_eq!(track(json!({"idx": [[3.0, 4.0]]})), Some(3));
    assert_eq!(track(json!({"attributes": {"track_id": "5"}})), Some(5));
    assert_eq!(track(json!({"attributes": {"Track ID": 6}})), Some(6));
    assert_eq!((track(json!({"track_id": -1})), track(json!({}))), (None, None));
    assert_ne!(track(json!({"track_id": "anna"})), track(json!({"track_id": "berta"})));
}
