//! The name that was probably meant.

/// Most edits in a name of three letters per edit: `nmae` is near `name`, `cat` is not near `dog`.
const LETTERS_PER_EDIT: usize = 3;

/// The candidate nearest to `name`, when one is near enough to be a misspelling: of equally near ones the first.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let limit = name.len().div_ceil(LETTERS_PER_EDIT);
    let scored = candidates.into_iter().map(|candidate| {
        let letters: Vec<char> = candidate.to_lowercase().chars().collect();
        (distance(&name, &letters), candidate)
    });
    scored
        .filter(|(edits, candidate)| *edits <= limit && *edits < candidate.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out, changed, or swapped with their neighbour (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, other) in right.iter().enumerate() {
            let changed = row[j] + usize::from(letter != other);
            let swapped = match i > 0 && j > 0 && left[i - 1] == *other && *letter == right[j - 1] {
                true => before[j - 1] + 1,
                false => usize::MAX,
            };
            next.push(changed.min(row[j + 1] + 1).min(next[j] + 1).min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests;
