//! Which records are people.

use std::collections::HashMap;

use super::{
    json::Node,
    keypoints::{At, Keypoints, OTHER, names, unknown},
    tally::Tally,
};
use crate::{
    error::{Error, Result},
    import::layout::{Slot, by_names},
};

/// What people are called in files.
const PEOPLE: [&str; 8] = ["person", "persons", "people", "human", "humans", "pedestrian", "human_body", "body"];

/// A kind of things that a file has.
#[derive(Debug, Clone)]
struct Category {
    name: String,
    is_person: bool,
    /// Where its keypoints' names stand, and they.
    names: Option<(String, Vec<String>)>,
}

/// The categories of a file.
#[derive(Debug, Default)]
pub(super) struct Categories {
    by_id: HashMap<i64, Category>,
    /// The name or number that is asked for.
    wanted: Option<String>,
}

impl Categories {
    /// Those of a file whose people are of the category `wanted`, if somebody says so.
    pub(super) fn new(wanted: Option<&str>) -> Self {
        Self { by_id: HashMap::new(), wanted: wanted.map(str::to_lowercase) }
    }

    /// Takes a record of the list `categories`.
    pub(super) fn learn(&mut self, node: &Node<'_>) -> Result<()> {
        let Some(id) = node.get("id") else { return Ok(()) };
        let id = id.whole()?;
        let text = |key: &str| node.get(key).and_then(|name| name.value.as_str()).unwrap_or_default().to_lowercase();
        let (name, above) = (text("name"), text("supercategory"));
        let is_person = match &self.wanted {
            Some(wanted) => *wanted == name || *wanted == id.to_string(),
            None => PEOPLE.iter().any(|person| *person == name || *person == above) || name.is_empty(),
        };
        let name = if name.is_empty() { format!("category {id}") } else { format!("the category '{name}'") };
        self.by_id.insert(id, Category { name, is_person, names: names(node) });
        Ok(())
    }

    /// Whether a record is a person; others are counted. Without a list of categories, COCO's number of a person is 1,
    /// and 0 is what counts from 0.
    pub(super) fn is_person(&self, id: Option<i64>, tally: &mut Tally) -> bool {
        let Some(id) = id else { return true };
        let (is_person, name) = match (self.by_id.get(&id), &self.wanted) {
            (Some(category), _) => (category.is_person, category.name.clone()),
            (None, Some(wanted)) => (*wanted == id.to_string(), format!("category {id}")),
            (None, None) => (matches!(id, 0 | 1), format!("category {id}")),
        };
        if !is_person {
            tally.is_asked = self.wanted.is_some();
            *tally.others.entry(name).or_default() += 1;
        }
        is_person
    }

    /// The order that the names of a person's category give to keypoints, if it has any and they do not say their own.
    ///
    /// # Errors
    /// If no layout has the names, or they are not as many as the keypoints.
    pub(super) fn slots(&self, id: Option<i64>, at: At<'_>, keypoints: &Keypoints) -> Result<Option<[Slot; 17]>> {
        let only = || self.by_id.values().next().filter(|_| self.by_id.len() == 1);
        let category = id.and_then(|id| self.by_id.get(&id)).or_else(only);
        let Some((field, names)) = category.and_then(|category| category.names.as_ref()) else { return Ok(None) };
        if keypoints.slots.is_some() {
            return Ok(keypoints.slots);
        }
        let wrong = |problem: String, fix: &str| Err(Error::file(at.path, field, problem, fix));
        if names.len() != keypoints.xy.len() {
            let problem =
                format!("it has {} names, and {} {} keypoints", names.len(), (at.field)(), keypoints.xy.len());
            return wrong(problem, "name every keypoint");
        }
        match by_names(names) {
            Some(slots) => Ok(Some(slots)),
            None => wrong(unknown(names), OTHER),
        }
    }
}
