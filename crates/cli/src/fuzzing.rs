//! What fuzz targets ask of texts that people type, in builds with `--cfg fuzzing` alone.

use crate::dot_command::DotCommand;
use crate::script::Feed;

/// Any line is a command or refused.
pub fn check_dot_command(line: &str) {
    drop(DotCommand::parse(line));
}

/// Steps are what the text holds, in its order, none is empty; they are the same line by line.
///
/// # Panics
/// When they are not.
pub fn check_script(text: &str) {
    let whole = steps(&[text]);
    let mut rest = text;
    for step in &whole {
        assert!(!step.is_empty());
        let place = rest.find(step.as_str());
        let place = place.unwrap_or_else(|| panic!("{step:?} is not in {rest:?}"));
        rest = &rest[place + step.len()..];
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(steps(&lines), whole);
}

fn steps(pieces: &[&str]) -> Vec<String> {
    let mut feed = Feed::default();
    let mut steps = Vec::new();
    for piece in pieces {
        feed.push(piece);
        while let Some(step) = feed.next_whole() {
            steps.push(step.text.to_owned());
        }
    }
    steps.extend(feed.rest().map(|step| step.text.to_owned()));
    steps
}
