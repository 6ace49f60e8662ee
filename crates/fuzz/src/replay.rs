//! One input again.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::Target;

/// Runs a target on the bytes of a file.
///
/// # Errors
/// An unknown name, or a file that cannot be read. What the target finds panics.
pub fn run(name: &str, file: &Path) -> anyhow::Result<()> {
    let target = Target::named(name).with_context(|| format!("there is no target {name}"))?;
    let input = fs::read(file).with_context(|| file.display().to_string())?;
    (target.run)(&input);
    println!("{name}: all is well with {}", file.display());
    Ok(())
}
