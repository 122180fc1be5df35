//! MediaPipe Pose has no file of its own; people write its 33 landmarks to JSON as a list of frames. A frame is a list
//! of landmarks, of people, or an object with such a list, or null.

use std::path::{Path, PathBuf};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Collector, Detection, Options, Progress, Video, frame_number,
    json::{Json, LOOSE},
    stem,
};
use crate::{
    error::{Error, Result},
    import::layout::MEDIAPIPE_33,
};

/// x and y are relative to the image's width and height. It may be written as an object or as a list.
#[derive(Deserialize)]
struct Landmark {
    x: f32,
    y: f32,
    #[serde(default, rename = "z")]
    _z: IgnoredAny,
    #[serde(default)]
    visibility: Option<f32>,
    #[serde(default, rename = "presence")]
    _presence: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "landmarks are neither a list of {x, y, visibility} nor a list of such lists")]
enum Landmarks {
    One(Vec<Landmark>),
    Several(Vec<Vec<Landmark>>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a frame is neither a list of {x, y, visibility} nor an object with landmarks")]
enum Frame {
    Bare(Landmarks),
    Numbered {
        #[serde(alias = "frame_id", alias = "frame_index")]
        frame: Option<i64>,
        #[serde(alias = "pose_landmarks", alias = "landmark")]
        landmarks: Option<Landmarks>,
    },
}

/// Reads lists of frames; needs [`Options::image_size`]. The visibility is the confidence, 1 where there is none.
///
/// # Errors
/// If a file cannot be read or is not of this form, the size of the image is not given, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, read)
}

fn read(path: &Path, options: &Options) -> Result<Vec<Video>> {
    let Some([width, height]) = options.image_size.map(|size| size.map(|side| side as f32)) else {
        let problem = "landmarks are relative to the size of the image, which the file does not have";
        return Err(Error::file(
            path,
            "image size",
            problem,
            "give width and height in pixels, as `image_size` 1920x1080",
        ));
    };
    let frames: Vec<Option<Frame>> =
        Json::open(path, LOOSE)?.parse("MediaPipe: a list of frames, each of 33 landmarks")?;
    let mut people = Vec::new();
    for (i, frame) in frames.into_iter().enumerate() {
        let (number, landmarks) = match frame {
            Some(Frame::Bare(landmarks)) => (i as i64, Some(landmarks)),
            Some(Frame::Numbered { frame, landmarks }) => (frame.unwrap_or(i as i64), landmarks),
            None => continue,
        };
        let number = frame_number(path, || format!("[{i}].frame"), number)?;
        let persons = match landmarks {
            Some(Landmarks::One(landmarks)) => vec![landmarks],
            Some(Landmarks::Several(persons)) => persons,
            None => continue,
        };
        // A frame without anybody is an empty list.
        for landmarks in persons.iter().filter(|landmarks| !landmarks.is_empty()) {
            if landmarks.len() != 33 {
                let problem = format!("there are {} landmarks; 33 are needed", landmarks.len());
                return Err(Error::file(path, format!("[{i}]"), problem, "write all landmarks of MediaPipe Pose"));
            }
            let points: Vec<[f32; 2]> = landmarks.iter().map(|mark| [mark.x * width, mark.y * height]).collect();
            let visible: Vec<f32> = landmarks.iter().map(|mark| mark.visibility.unwrap_or(1.0)).collect();
            people.push(Detection::new(number, None, &MEDIAPIPE_33, &points, &visible));
        }
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}
