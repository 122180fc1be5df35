//! What does not look like a person's poses.

/// What a look at poses found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// What cannot be a person's: the first of it.
    pub wrong: Option<Wrong>,
    /// What a user should look at, a sentence each, with counts.
    pub odd: Vec<String>,
}

/// What surely is wrong, in the words of an [`crate::error::Error::File`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What the user can do.
    pub fix: String,
}
