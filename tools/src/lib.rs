//! What other compilers make of isopose's shaders.

pub mod machine;
pub mod translate;
