//! JSON lines, in: a view, or a frame. `docs/lift.schema.json` is their schema.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use super::{Frame, Person};
use crate::pose::{Intrinsics, LAYOUTS, Layout};

/// A line of a stream: a frame, what it and those after it are seen by, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// What the line says of the camera and of the keypoints.
    pub view: Option<Told>,
    /// The frame, its keypoints in the order that the line says, else in that of the lines before.
    pub frame: Option<Frame>,
}

/// What a line says of the frames from here on; what it does not say stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// The order of the keypoints.
    pub layout: Option<&'static Layout>,
    /// Width and height in pixels.
    pub image_size: Option<[i32; 2]>,
    /// The camera's.
    pub intrinsics: Option<Intrinsics>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// What it is, where, and the fix, in a sentence.
    pub problem: String,
    /// Whether it may have said how the frames after it are to be read, so that they must not be.
    pub is_view: bool,
    /// What it said of that, where its frame alone is wrong.
    pub view: Option<Told>,
}

/// A line as it is written.
#[derive(Deserialize)]
#[serde(expecting = "an object with \"people\", or with \"layout\", \"image_size\", \"intrinsics\"")]
struct Written {
    layout: Option<String>,
    image_size: Option<[i32; 2]>,
    intrinsics: Option<[f32; 4]>,
    frame: Option<Whole>,
    time: Option<f64>,
    sequence: Option<String>,
    people: Option<Vec<WrittenPerson>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a person: an object with \"keypoints\"")]
struct WrittenPerson {
    id: Option<Whole>,
    keypoints: Vec<Keypoint>,
}

/// A whole number, which may be written as 6.0.
struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from).map_err(|_| D::Error::custom(WHOLE))?;
        let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 9e15).then_some(v as i64);
        let number = number.as_i64().or_else(|| number.as_f64().and_then(whole));
        number.map(Self).ok_or_else(|| D::Error::custom(WHOLE))
    }
}

const WHOLE: &str = "\"frame\" and \"id\" are whole numbers";

/// `[x, y, confidence]`, `[x, y]`, or null where it was not found; so are numbers that are null.
struct Keypoint([f32; 3]);

impl<'de> Deserialize<'de> for Keypoint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KeypointVisitor)
    }
}

struct KeypointVisitor;

impl<'de> Visitor<'de> for KeypointVisitor {
    type Value = Keypoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a keypoint: [x, y, confidence], [x, y] or null")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Keypoint, E> {
        Ok(Keypoint([0.0; 3]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Keypoint, A::Error> {
        let mut keypoint = [0.0, 0.0, 1.0];
        let mut is_there = true;
        for (place, value) in keypoint.iter_mut().enumerate() {
            match numbers.next_element::<Option<f32>>()? {
                Some(Some(number)) => *value = number,
                Some(None) => is_there = false,
                None if place == 2 => {}
                None => return Err(A::Error::invalid_length(place, &self)),
            }
        }
        match numbers.next_element::<serde::de::IgnoredAny>()? {
            None if is_there => Ok(Keypoint(keypoint)),
            None => Ok(Keypoint([0.0; 3])),
            Some(_) => Err(A::Error::invalid_length(4, &self)),
        }
    }
}

/// Reads a line, whose keypoints are in the order of `layout` unless it says another. Fields that it does not know are
/// passed over.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &[u8], layout: &'static Layout) -> Result<Line, Malformed> {
    // Editors put a mark before UTF-8.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let has = |word: &str| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    let may_be_view = || ["\"layout\"", "\"image_size\"", "\"intrinsics\""].into_iter().any(has);
    let written: Written = serde_json::from_slice(line).map_err(|error| {
        // The line's number is the caller's to say.
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        let fix = match has("NaN") || has("Infinity") {
            true => "JSON has no NaN: write null where nothing was found",
            false => "give one JSON object a line",
        };
        let problem = format!("column {}: {said}; {fix}", error.column());
        Malformed { problem, is_view: may_be_view(), view: None }
    })?;
    let wrong = |problem| Malformed { problem, is_view: may_be_view(), view: None };
    let view = told(&written).map_err(wrong)?;
    let layout = view.and_then(|view| view.layout).unwrap_or(layout);
    let frame = frame(written, layout).map_err(|problem| Malformed { problem, is_view: false, view })?;
    if view.is_none() && frame.is_none() {
        let problem = "it has neither \"people\" nor a view (\"layout\", \"image_size\", \"intrinsics\"); give a frame its \
                       people, an empty list for nobody";
        return Err(wrong(problem.to_owned()));
    }
    Ok(Line { view, frame })
}

fn frame(written: Written, layout: &Layout) -> Result<Option<Frame>, String> {
    let Some(people) = written.people else { return Ok(None) };
    let number = written.frame.map(|Whole(frame)| i32::try_from(frame).map_err(|_| FRAME.to_owned())).transpose()?;
    let people = people.into_iter().enumerate().map(|(index, person)| read(index, person, layout));
    let people = people.collect::<Result<_, _>>()?;
    Ok(Some(Frame { number, time: written.time, sequence: written.sequence.map(Arc::from), people }))
}

const FRAME: &str = "frame: it is beyond 32 bits; number frames from 0, and give seconds as \"time\"";

fn told(written: &Written) -> Result<Option<Told>, String> {
    let Written { layout, image_size, intrinsics, .. } = written;
    if layout.is_none() && image_size.is_none() && intrinsics.is_none() {
        return Ok(None);
    }
    let layout = layout.as_ref().map(|name| {
        let known = || LAYOUTS.map(|(name, _)| name).join(", ");
        Layout::named(name).ok_or_else(|| format!("layout: \"{name}\" is unknown; use one of {}", known()))
    });
    if image_size.is_some_and(|size| size.iter().any(|side| !(1..=1 << 20).contains(side))) {
        return Err("image_size: a side is no number of pixels; give width and height".to_owned());
    }
    let intrinsics = intrinsics.map(Intrinsics::from);
    if let Some(Err(problem)) = intrinsics.map(|camera| camera.validate()) {
        return Err(format!("intrinsics: {problem}; give fx, fy, cx, cy in pixels"));
    }
    Ok(Some(Told { layout: layout.transpose()?, image_size: *image_size, intrinsics }))
}

fn read(index: usize, WrittenPerson { id, keypoints }: WrittenPerson, layout: &Layout) -> Result<Person, String> {
    let needed = layout.joints.len();
    if keypoints.len() != needed {
        let others = LAYOUTS.iter().filter(|(_, other)| other.joints.len() == keypoints.len());
        let others: Vec<&str> = others.map(|(name, _)| *name).collect();
        let own = LAYOUTS.iter().find(|(_, other)| **other == *layout).map_or(layout.name, |(name, _)| name);
        let fix = match &others[..] {
            [] => format!("give the {needed} of {own}, or say the \"layout\" in the first line"),
            names => format!("say \"layout\": \"{}\" in the first line", names.join("\" or \"")),
        };
        return Err(format!("people[{index}].keypoints: there are {}, {own} has {needed}; {fix}", keypoints.len()));
    }
    // Below 0 is a detector's word for nothing.
    let confidence = keypoints.iter().map(|Keypoint([.., sure])| sure.max(0.0)).collect();
    let keypoints = keypoints.iter().map(|Keypoint([x, y, _])| [*x, *y]).collect();
    Ok(Person { id: id.map(|Whole(id)| id), keypoints, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coco() -> &'static Layout {
        Layout::named("coco17").unwrap()
    }

    fn frame(line: &str) -> Frame {
        parse(line.as_bytes(), coco()).unwrap().frame.unwrap()
    }

    #[test]
    fn a_frame_has_people_and_what_else_it_says() {
        let keypoints = format!("{}null,[7,8]", "[1.5,2,0.5],".repeat(15));
        let line = format!(
            r#"{{"frame":7,"time":0.28,"box":[1],"people":[{{"id":3,"keypoints":[{keypoints}],"score":1}},{{"keypoints":[{keypoints}]}}]}}"#
        );
        let frame = frame(&line);
        assert_eq!((frame.number, frame.time, frame.sequence), (Some(7), Some(0.28), None));
        assert_eq!([0, 1].map(|person| frame.people[person].id), [Some(3), None]);
        let person = &frame.people[0];
        assert_eq!((person.keypoints[0], person.confidence[0]), ([1.5, 2.0], 0.5));
        assert_eq!((person.keypoints[15], person.confidence[15]), ([0.0, 0.0], 0.0));
        assert_eq!((person.keypoints[16], person.confidence[16]), ([7.0, 8.0], 1.0));
    }

    #[test]
    fn what_was_not_found_is_written_in_many_ways() {
        let nothing = ["null", "[null,null,0]", "[3,4,null]", "[3,4,-1]", "[0,0,0]"].join(",");
        let line = format!(r#"{{"people":[{{"id":4.0,"keypoints":[{nothing}{}]}}],"frame":6.0}}"#, ",[1,2]".repeat(12));
        let frame = frame(&line);
        assert_eq!((frame.number, frame.people[0].id), (Some(6), Some(4)));
        assert_eq!(frame.people[0].confidence[..6], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn nobody_is_an_empty_list() {
        assert_eq!(frame(r#"{"people":[]}"#), Frame::default());
        assert_eq!(&*frame(r#"{"people":[],"sequence":"a"}"#).sequence.unwrap(), "a");
        assert_eq!(frame("\u{feff}{\"people\":[]}"), Frame::default());
    }

    #[test]
    fn a_view_says_what_it_says_also_with_its_frame() {
        let line = r#"{"layout":"body25","image_size":[1920,1080],"intrinsics":[1145,1145,960,540]}"#;
        let view = Told {
            layout: Layout::named("body25"),
            image_size: Some([1920, 1080]),
            intrinsics: Some(Intrinsics { focal: [1145.0; 2], center: [960.0, 540.0] }),
        };
        assert_eq!(parse(line.as_bytes(), coco()), Ok(Line { view: Some(view), frame: None }));
        let view = Told { image_size: Some([4, 3]), ..Told::default() };
        assert_eq!(parse(br#"{"image_size":[4,3]}"#, coco()).unwrap().view, Some(view));
        let line = format!(r#"{{"layout":"h36m16","people":[{{"keypoints":[{}[1,2]]}}]}}"#, "[1,2],".repeat(15));
        let line = parse(line.as_bytes(), coco()).unwrap();
        assert_eq!(line.view.unwrap().layout, Layout::named("h36m16"));
        assert_eq!(line.frame.unwrap().people[0].keypoints.len(), 16);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_the_fix() {
        let short = "[1,2,1],".repeat(17);
        let two = format!(r#"{{"people":[{{"keypoints":[{short}[1,2,1]]}}]}}"#);
        let of_one = |keypoint: &str| format!(r#"{{"people":[{{"keypoints":[{keypoint}]}}]}}"#);
        for (line, is_view, words) in [
            ("{", false, vec!["column 1: EOF", "one JSON object a line"]),
            ("[1]", false, vec!["column"]),
            ("nonsense", false, vec!["column 2: expected ident"]),
            ("{}", false, vec!["neither"]),
            (r#"{"frame":1}"#, false, vec!["neither \"people\" nor a view", "an empty list for nobody"]),
            (&of_one("[1,2,1]"), false, vec!["people[0].keypoints: there are 1, coco17 has 17"]),
            (&two, false, vec!["there are 18", r#"say "layout": "openpose18" in the first line"#]),
            (&of_one("[1]"), false, vec!["[x, y, confidence], [x, y] or null"]),
            (&of_one("[1,2,3,4]"), false, vec!["invalid length 4"]),
            (&of_one("[NaN,2,3]"), false, vec!["JSON has no NaN: write null"]),
            (r#"{"people":[],"frame":3000000000}"#, false, vec!["frame: it is beyond 32 bits"]),
            (r#"{"people":[],"frame":1.5}"#, false, vec!["\"frame\" and \"id\" are whole numbers"]),
            (r#"{"people":[{"id":"a","keypoints":[]}]}"#, false, vec!["\"frame\" and \"id\" are whole numbers"]),
            (r#"{"people":[3]}"#, false, vec!["a person: an object with \"keypoints\""]),
            (r#"{"layout":"coco"}"#, true, vec!["layout: \"coco\" is unknown; use one of h36m16, h36m17, coco17"]),
            (r#"{"layout":"coco17""#, true, vec!["column"]),
            (r#"{"Layout":"coco17"}"#, true, vec!["neither"]),
            (r#"{"image_size":[0,3]}"#, true, vec!["image_size: a side"]),
            (r#"{"intrinsics":[0,1,2,3]}"#, true, vec!["intrinsics: a focal length of 0 is not positive"]),
        ] {
            let Malformed { problem, is_view: found, .. } = parse(line.as_bytes(), coco()).unwrap_err();
            assert!(words.iter().all(|word| problem.contains(word)), "{line}: {problem}");
            assert!(!problem.contains("at line") && !problem.contains("struct"), "{problem}");
            assert_eq!(found, is_view, "{line}");
        }
        assert!(parse(b"\xff\xfe", coco()).is_err());
    }
}
