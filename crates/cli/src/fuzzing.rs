//! What fuzz targets ask of texts that people type, in builds with `--cfg fuzzing` alone.

use crate::dot_command::DotCommand;
use crate::script::next_step;

/// Any line is a command or refused.
pub fn check_dot_command(line: &str) {
    drop(DotCommand::parse(line));
}

/// Steps are parts of the text, none is empty, and each goes further.
///
/// # Panics
/// When they do not.
pub fn check_script(text: &str) {
    let mut rest = text;
    while let Some(step) = next_step(rest) {
        assert!(!step.text.is_empty() && step.start < step.end);
        assert_eq!(rest[step.start..].get(..step.text.len()), Some(step.text));
        rest = &rest[step.end..];
    }
}
