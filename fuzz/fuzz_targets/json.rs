//! Any bytes as the JSON of every detector and of MPII.
#![no_main]

use isopose_fuzz::import::detector::{Options, alphapose, coco, halpe, mediapipe, mmpose, openpose, recognise};
use isopose_fuzz::import::mpii;
use isopose_fuzz::with_named_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_named_file(bytes, ".json", |path| {
        let paths = std::slice::from_ref(path);
        let options = Options { image_size: Some([100, 100]), ..Options::default() };
        let readers =
            [alphapose::import, coco::import, halpe::import, mediapipe::import, mmpose::import, openpose::import];
        for read in readers {
            if let Ok(set) = read(paths, &options, &mut |_, _| {}) {
                set.validate(path).expect("what is imported is valid");
            }
        }
        drop((recognise(path), mpii::import(paths, &mpii::Options { joints: 16 }, &mut |_, _| {})));
    });
});
