//! The forms of what is written, and which one a path asks for.

mod bvh;
mod check;
#[cfg(feature = "import")]
mod csv;
mod json;
mod jsonl;
mod line;
#[cfg(feature = "import")]
mod npz;
mod out;
#[cfg(test)]
#[cfg(feature = "import")]
mod python_tests;
mod recording;
mod rig;
#[cfg(test)]
mod sample_tests;
mod timeline;
mod trc;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use self::{bvh::Bvh, json::Json, jsonl::Jsonl, out::Out, recording::Recording, trc::Trc};
use super::{About, Lifted, LiftedPerson, Sink, Up};
use crate::error::{Error, Result};
use crate::named::{Named, named_enum};

named_enum! {
    /// What lifted frames are written as.
    pub enum Form {
        /// JSON lines: a header, then a line a frame, as soon as it is lifted.
        Jsonl = "jsonl",
        /// A NumPy archive with a row for each person and frame.
        Npz = "npz",
        /// One JSON document.
        Json = "json",
        /// A table with a row for each person and frame.
        Csv = "csv",
        /// Biovision's motion: a file for each person.
        Bvh = "bvh",
        /// OpenSim's markers: a file for each person.
        Trc = "trc",
    }
}

/// Where a form is written.
pub enum Output {
    /// A file.
    File(PathBuf),
    /// Standard output, or what stands for it.
    Stream(Box<dyn Write>),
}

/// The path that stands for standard output.
pub const STANDARD_OUTPUT: &str = "-";

impl Form {
    /// The form of a path: by its extension, or as given; standard output (`-`) has JSON lines unless another is given.
    ///
    /// # Errors
    /// If extension and given form contradict each other, neither is there, or the form needs a file and there is none.
    pub fn of(path: &Path, given: Option<Self>) -> Result<Self> {
        if path == Path::new(STANDARD_OUTPUT) {
            let form = given.unwrap_or(Self::Jsonl);
            return if form.is_stream() { Ok(form) } else { Err(form.needs_file()) };
        }
        let extension = path.extension().map(OsStr::to_string_lossy).unwrap_or_default();
        let told = Self::by_extension(&extension);
        match (told, given) {
            (Some(told), Some(given)) if told != given => Err(Error::Usage(format!(
                "`out`: {} ends as a {told} file, but `output_format` is {given}; leave out `output_format`, or name \
                 the file with the ending .{given}",
                path.display()
            ))),
            (_, Some(form)) | (Some(form), None) => Ok(form),
            (None, None) => {
                let endings: Vec<String> = Self::ALL.iter().map(|form| format!(".{form}")).collect();
                let found = if extension.is_empty() { "it has no ending" } else { "its ending is not known" };
                Err(Error::Usage(format!(
                    "`out`: {}: {found}; use one of {}, or set `output_format`",
                    path.display(),
                    endings.join(", ")
                )))
            }
        }
    }

    /// Starts the form. What is for a stream, or is followed while it is written, is there at once; other files appear
    /// whole when they are finished.
    ///
    /// # Errors
    /// If the file cannot be written, or the form needs one and there is none.
    pub fn sink(self, about: About, to: Output) -> Result<Box<dyn Sink>> {
        let to = match to {
            Output::Stream(_) if !self.is_stream() => return Err(self.needs_file()),
            to => to,
        };
        Ok(match (self, to) {
            (Self::Jsonl, to) => Box::new(Jsonl::new(about, Out::in_place(to)?)?),
            (Self::Json, to) => Box::new(Json::new(about, Out::whole(to)?)?),
            #[cfg(feature = "import")]
            (Self::Csv, to) => Box::new(csv::Csv::new(about, Out::in_place(to)?)?),
            #[cfg(feature = "import")]
            (Self::Npz, Output::File(path)) => Box::new(npz::Npz::new(about, &path)),
            (Self::Bvh, Output::File(path)) => Box::new(Bvh::new(Recording::new(about, &path)?)),
            (Self::Trc, Output::File(path)) => Box::new(Trc::new(Recording::new(about, &path)?)),
            #[cfg(feature = "import")]
            (_, Output::Stream(_)) => return Err(self.needs_file()),
            #[cfg(not(feature = "import"))]
            _ => return Err(Error::Usage(format!("{self}: this build lacks the feature `import`, which writes it"))),
        })
    }

    /// Whether it can be written to a stream.
    #[must_use]
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Jsonl | Self::Json | Self::Csv)
    }

    /// Whether its files appear whole, when all is done.
    #[must_use]
    pub fn is_whole(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Csv)
    }

    /// Whether each person has a file.
    #[must_use]
    pub fn is_of_people(self) -> bool {
        matches!(self, Self::Bvh | Self::Trc)
    }

    fn by_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        // The other name of JSON lines.
        if extension == "ndjson" { Some(Self::Jsonl) } else { Self::named(&extension) }
    }

    fn needs_file(self) -> Error {
        let streams: Vec<&str> = Self::ALL.iter().filter(|form| form.is_stream()).map(|form| form.name()).collect();
        let streams = streams.join(", ");
        Error::Usage(format!("{self} cannot go to standard output: name a file in `out`, or use one of {streams}"))
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
