//! Any bytes as the JSON of every detector and of MPII.
#![no_main]

use isopose_fuzz::import::detector::{Options, alphapose, coco, halpe, mediapipe, mmpose, openpose, recognise};
use isopose_fuzz::import::{collect, mpii};
use isopose_fuzz::with_named_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_named_file(bytes, ".json", |path| {
        let paths = std::slice::from_ref(path);
        let options = Options { image_size: Some([100, 100]), ..Options::default() };
        let readers =
            [alphapose::import, coco::import, halpe::import, mediapipe::import, mmpose::import, openpose::import];
        for read in readers {
            if let Ok(set) = collect(17, |to| read(paths, &options, to, &mut |_, _| Ok(()))) {
                set.validate(path).expect("what is imported is valid");
            }
        }
        drop((recognise(path), collect(16, |to| mpii::import(paths, to, &mut |_, _| Ok(())))));
    });
});
