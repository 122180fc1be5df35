//! COCO keypoints: a results list `[{image_id, keypoints, score}]`, or annotations `{images, annotations}`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    COCO, Collector, Detection, Form, Options, Progress, Tally, Video,
    categories::Categories,
    images::{Image, ImageId, Places, places, track},
    json::{Json, Node, Record, found},
    keypoints::{self, At, Keypoints, Layouts, Order},
    size, stem,
};
use crate::error::{Error, Result};

/// How sure an annotator is of a joint that is labelled but not visible (v = 1): COCO says no more than that it is a
/// guess, so it gets half of what a visible one (v = 2) has.
const OCCLUDED: f32 = 0.5;

/// Reads COCO's 17 keypoints, or the 133 of COCO-WholeBody, or those that the category of a person names.
///
/// The frame is what the image says, else the image's id, else the number at the end of its name. Images of several
/// folders, or with several `video_id`, are several recordings.
///
/// A results list is a video, unless [`Options::stills`] says otherwise. Annotations are one only if they have a
/// `track_id`, of their own or among their `attributes`; else their images are unrelated, as COCO's own are. v = 0 is
/// missing, v = 1 has confidence 0.5, v = 2 has 1. Somebody who stands in several files is counted once.
///
/// # Errors
/// If a file cannot be read or is not of this form, its keypoints are not a person's, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let read = |path: &Path, options: &Options, tally: &mut Tally| read(path, options, tally, COCO);
    let form = Form { has_categories: true, ..Form::new("COCO keypoints (.json)", read) };
    super::import(paths, options, to, progress, &form)
}

/// Somebody in an image whose place is not yet known.
struct Person {
    image: ImageId,
    category: Option<i64>,
    track: Option<i64>,
    keypoints: Keypoints,
    /// Where it stands: `annotations[3].keypoints`.
    list: &'static str,
    index: usize,
}

impl Person {
    fn field(&self) -> String {
        format!("{}[{}].keypoints", self.list, self.index)
    }
}

/// What a file has, in whatever order.
struct Content<'a> {
    people: Vec<Person>,
    images: Vec<(ImageId, Image)>,
    categories: Categories,
    /// The names of keypoints outside of categories.
    order: Order,
    tally: &'a mut Tally,
}

/// Either form, with keypoints of these numbers.
pub(super) fn read(path: &Path, options: &Options, tally: &mut Tally, layouts: &'static Layouts) -> Result<Vec<Video>> {
    let categories = Categories::new(options.category.as_deref());
    let order = Order::new(layouts);
    let mut content = Content { people: Vec::new(), images: Vec::new(), categories, order, tally };
    let form = "COCO keypoints, [{image_id, keypoints, score}] or {images, annotations}";
    Json::open(path)?.records(form, &mut |record| content.take(&record))?;
    content.videos(path)
}

/// The lists that have people.
const LISTS: [&str; 4] = ["", "annotations", "results", "predictions"];

impl Content<'_> {
    fn take(&mut self, record: &Record<'_>) -> Result<()> {
        let node = record.node();
        match (record.list, record.index) {
            ("images", Some(_)) => self.images.extend(self.tally.record(image(&node))?),
            ("categories", Some(_)) => drop(self.tally.record(self.categories.learn(&node))?),
            (list, Some(index)) => {
                if let Some(list) = LISTS.into_iter().find(|known| *known == list) {
                    let person = self.tally.record(person(&node, list, index))?;
                    if person.as_ref().is_some_and(|person| person.keypoints.xy.is_empty()) {
                        self.tally.without.0 += 1;
                        self.tally.without.1.get_or_insert_with(|| found(node.value));
                    }
                    self.people.extend(person.filter(|person| !person.keypoints.xy.is_empty()));
                } else if index == 0 {
                    self.tally.fields.insert(record.list.to_owned());
                }
            }
            // A block about the file, or a value that says nothing of people.
            (_, None) => {
                self.tally.fields.extend(node.names().cloned());
                self.order.learn(&node)?;
            }
        }
        Ok(())
    }

    fn videos(self, path: &Path) -> Result<Vec<Video>> {
        let Self { mut people, mut images, categories, order, tally } = self;
        let is_annotated = !images.is_empty();
        people.retain(|person| categories.is_person(person.category, tally));
        if !is_annotated {
            let mut known = HashSet::new();
            let new = people.iter().map(|person| &person.image).filter(|image| known.insert((*image).clone()));
            images = new.map(|image| (image.clone(), Image::default())).collect();
        }
        let (places, notes) = places(&images);
        tally.notes.extend(notes.into_iter().map(|note| format!("{}: {note}", path.display())));
        tally.frames += images.len();
        let sizes: HashMap<ImageId, Image> = images.into_iter().collect();
        let is_visibility = is_visibility(&people, is_annotated);
        let stills = is_annotated && people.iter().all(|person| person.track.is_none());
        if stills && sizes.len() > 1 && !people.is_empty() {
            let note = "annotations without `track_id` are of images that have nothing to do with each other";
            tally.notes.push(format!("{}: {note}", path.display()));
        }
        let mut videos: BTreeMap<String, Vec<Detection>> = BTreeMap::new();
        for mut person in people {
            if is_visibility {
                let scores = person.keypoints.scores.iter_mut().filter(|score| **score == 1.0);
                scores.for_each(|score| *score = OCCLUDED);
            }
            let detection = detection(path, &person, &categories, &order, &places, &sizes);
            if let Some((video, detection)) = tally.late(detection)? {
                videos.entry(video).or_default().push(detection);
            }
        }
        let stem = stem(path);
        let several = videos.len() > 1;
        let name = |video: String| if several && !video.is_empty() { format!("{stem}/{video}") } else { stem.clone() };
        Ok(videos.into_iter().map(|(video, people)| Video { name: name(video), stills, people }).collect())
    }
}

/// A record's person. A box or a crowd has no keypoints.
fn person(node: &Node<'_>, list: &'static str, index: usize) -> Result<Person> {
    let image = node.need("image_id", "the number or the name of an image")?;
    let image = ImageId::of(&image)?;
    // MMPose's own files have scores in a list beside them.
    let beside = node.get("keypoint_scores");
    let keypoints = node.get("keypoints").map(|node| keypoints::read(&node, beside)).transpose()?.unwrap_or_default();
    let category = node.get("category_id").map(|id| id.whole()).transpose()?;
    Ok(Person { image, category, track: track(node), keypoints, list, index })
}

fn image(node: &Node<'_>) -> Result<(ImageId, Image)> {
    let id = ImageId::of(&node.need("id", "the number of the image")?)?;
    let text = |key: &str| {
        let node = node.get(key)?;
        node.value.as_str().map(str::to_owned).or_else(|| node.value.as_i64().map(|number| number.to_string()))
    };
    let side = |key: &str| node.get(key).map(|side| side.number()).transpose();
    let image = Image {
        size: size(side("width")?, side("height")?),
        file_name: text("file_name"),
        frame: node.any(&["frame_id", "frame_index"]).and_then(|frame| frame.whole().ok()),
        video: text("video_id").or_else(|| text("vid_id")),
        is_listed: true,
    };
    Ok((id, image))
}

/// Whether scores are COCO's visibility: 0, 1 and 2 only; in a list of results, which has scores, also a 2.
fn is_visibility(people: &[Person], is_annotated: bool) -> bool {
    let mut scores = people.iter().flat_map(|person| &person.keypoints.scores);
    (is_annotated || scores.clone().any(|score| *score == 2.0)) && scores.all(|score| [0.0, 1.0, 2.0].contains(score))
}

/// A person in place, and the recording.
fn detection(
    path: &Path,
    person: &Person,
    categories: &Categories,
    order: &Order,
    places: &Places,
    images: &HashMap<ImageId, Image>,
) -> Result<(String, Detection)> {
    let Person { image, category, track, keypoints, .. } = person;
    let (Some((video, frame)), Some(about)) = (places.get(image), images.get(image)) else {
        let field = format!("{}[{}].image_id", person.list, person.index);
        let problem = format!("there is no image {image}");
        return Err(Error::file(path, field, problem, "add it to images, or drop the annotation"));
    };
    let at = At { path, field: &|| person.field() };
    let slots = match categories.slots(*category, at, keypoints)? {
        Some(slots) => slots,
        None => order.slots(at, keypoints)?,
    };
    let detection = Detection::new(*frame, *track, &slots, &keypoints.xy, &keypoints.scores);
    Ok((video.clone(), Detection { image_size: about.size, image: about.key(image), ..detection }))
}
