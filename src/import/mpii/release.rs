//! MPII's annotations as they were released: MATLAB's struct `RELEASE`.

use std::path::Path;

use super::{Person, Unread};
use crate::{
    error::{Error, Result},
    format::{Value, hdf5::Hdf5, mat},
    import::{Collector, damaged::Damaged, matlab},
};

const FIX: &str = "give mpii_human_pose_v1_u12_1.mat as it was released";

/// `RELEASE.annolist(i).annorect(r).annopoints.point(k)`; counted from 1 in messages, as MATLAB does. Records that are
/// damaged are left out while they are few.
pub(super) fn read(path: &Path, to: &mut Collector<'_>) -> std::result::Result<Vec<Person>, Unread> {
    if mat::is_v73(path).map_err(Unread::Damaged)? {
        let datasets = Hdf5::open(path).and_then(|file| file.datasets()).map_err(Unread::Damaged)?;
        let is_release = datasets.iter().any(|(name, _)| name.trim_start_matches('/').starts_with("RELEASE"));
        let error = matlab::is_7_3(path);
        return Err(if is_release { Unread::Damaged(error) } else { Unread::Other(error) });
    }
    let file = mat::load(path).map_err(Unread::Damaged)?;
    let images = file.get("RELEASE").and_then(|release| release.get("annolist")).map_or(&[][..], structs);
    if images.is_empty() {
        let is_truth = file.get("jnt_missing").is_some() && file.get("pos_gt_src").is_some();
        let problem = if is_truth {
            "there is no such struct: it is gt_valid.mat, the truth that HRNet scores by, which names no images"
        } else {
            "there is no such struct"
        };
        return Err(Unread::Other(Error::file(path, "RELEASE.annolist", problem, FIX)));
    }
    let rects = |image: &Value| image.get("annorect").map_or(&[][..], structs).len();
    let mut damaged = Damaged::among(images.iter().map(rects).sum(), "record", to.tolerance().strict);
    let mut people = Vec::new();
    for (i, image) in images.iter().enumerate() {
        let name = image.get("image").and_then(|image| image.get("name")).and_then(Value::text);
        for (r, rect) in image.get("annorect").map_or(&[][..], structs).iter().enumerate() {
            let name = name.ok_or_else(|| {
                Error::file(path, format!("annolist({}).image.name", i + 1), "there is no such text", FIX)
            });
            let read = name.and_then(|name| person(path, [i, r], name, rect));
            people.extend(damaged.sift(read).map_err(Unread::Damaged)?);
        }
    }
    to.warn_all(damaged.tell().map_err(Unread::Damaged)?);
    Ok(people)
}

fn person(path: &Path, [i, r]: [usize; 2], image: &str, rect: &Value) -> Result<Person> {
    let points = rect.get("annopoints").and_then(|points| points.get("point")).map_or(&[][..], structs);
    let (mut joints, mut present) = ([[0.0; 2]; 16], [0.0; 16]);
    for (k, point) in points.iter().enumerate() {
        let number = |field| point.get(field).and_then(Value::number);
        let slot = number("id").filter(|id| (0.0..16.0).contains(id)).map(|id| id as usize);
        let (Some(slot), Some(x), Some(y)) = (slot, number("x"), number("y")) else {
            let field = format!("annolist({}).annorect({}).annopoints.point({})", i + 1, r + 1, k + 1);
            return Err(Error::file(path, field, "it has no x, y and id from 0 to 15", FIX));
        };
        joints[slot] = [x as f32, y as f32];
        present[slot] = 1.0;
    }
    Ok(Person { image: image.to_owned(), joints, present })
}

/// The elements of a struct array, which one of size 1 is too.
fn structs(value: &Value) -> &[Value] {
    if value.entries().is_empty() { value.items() } else { std::slice::from_ref(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn struct_arrays_of_any_size() {
        let person = Value::Dict(vec![(Value::Text("id".into()), Value::Float(1.0))]);
        assert_eq!(structs(&person), std::slice::from_ref(&person));
        assert_eq!(structs(&Value::List(vec![person.clone(), person.clone()])).len(), 2);
        assert!(structs(&Value::None).is_empty());
    }
}
