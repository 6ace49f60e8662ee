//! `to_char` of timestamps: a pattern in which `YYYY`, `MM`, `Day` and the like stand for parts of the date.
//!
//! `FM` or `TM` before a part leaves out its padding (names are English, whatever `TM` asks for); `TH` and `th` after a
//! number add the ordinal's ending; text in double quotes stands for itself, and so does whatever is no part.

use drystone_record::Timestamp;
use jiff::civil::DateTime;

use crate::eval_error::EvalError;
use crate::function::calendar::{civil, micros};
use crate::function::checked_len;
use crate::function::time::julian_day;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const ROMAN: [&str; 12] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
];
/// Letters of an abbreviated name.
const SHORT: usize = 3;

/// A part that is a number.
#[derive(Clone, Copy)]
enum Number {
    Hour12,
    Hour24,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    /// The second's first digits, that many.
    Fraction(u32),
    SecondOfDay,
    /// Its last digits, that many.
    Year(u32),
    YearWithComma,
    IsoYear(u32),
    Month,
    Day,
    DayOfYear,
    IsoDayOfYear,
    DayOfWeek,
    IsoDayOfWeek,
    WeekOfMonth,
    WeekOfYear,
    IsoWeek,
    Century,
    Julian,
    Quarter,
}

/// A part that is a word, with the letters' case that its pattern has.
#[derive(Clone, Copy)]
enum Word {
    Month,
    MonthShort,
    Day,
    DayShort,
    MonthRoman,
    HalfOfDay,
    HalfOfDayDotted,
    Era,
    EraDotted,
    Zone,
}

/// Numbers by their patterns, in upper or lower case. Longer patterns stand before their beginnings.
const NUMBERS: &[(&str, Number)] = &[
    ("HH24", Number::Hour24),
    ("HH12", Number::Hour12),
    ("HH", Number::Hour12),
    ("MI", Number::Minute),
    ("SSSSS", Number::SecondOfDay),
    ("SSSS", Number::SecondOfDay),
    ("SS", Number::Second),
    ("MS", Number::Millisecond),
    ("US", Number::Microsecond),
    ("FF1", Number::Fraction(1)),
    ("FF2", Number::Fraction(2)),
    ("FF3", Number::Fraction(3)),
    ("FF4", Number::Fraction(4)),
    ("FF5", Number::Fraction(5)),
    ("FF6", Number::Fraction(6)),
    ("Y,YYY", Number::YearWithComma),
    ("YYYY", Number::Year(4)),
    ("YYY", Number::Year(3)),
    ("YY", Number::Year(2)),
    ("Y", Number::Year(1)),
    ("IYYY", Number::IsoYear(4)),
    ("IYY", Number::IsoYear(3)),
    ("IY", Number::IsoYear(2)),
    ("IDDD", Number::IsoDayOfYear),
    ("ID", Number::IsoDayOfWeek),
    ("IW", Number::IsoWeek),
    ("I", Number::IsoYear(1)),
    ("MM", Number::Month),
    ("DDD", Number::DayOfYear),
    ("DD", Number::Day),
    ("D", Number::DayOfWeek),
    ("WW", Number::WeekOfYear),
    ("W", Number::WeekOfMonth),
    ("CC", Number::Century),
    ("J", Number::Julian),
    ("Q", Number::Quarter),
];

/// The words that may also be capitalized.
const MONTH_AND_DAY_NAMES: [&str; 4] = ["MONTH", "MON", "DAY", "DY"];

/// Words by their patterns, in upper or lower case. Before [`NUMBERS`], of which some begin alike.
const WORDS: &[(&str, Word)] = &[
    ("MONTH", Word::Month),
    ("MON", Word::MonthShort),
    ("DAY", Word::Day),
    ("DY", Word::DayShort),
    ("RM", Word::MonthRoman),
    ("A.M.", Word::HalfOfDayDotted),
    ("P.M.", Word::HalfOfDayDotted),
    ("AM", Word::HalfOfDay),
    ("PM", Word::HalfOfDay),
    ("A.D.", Word::EraDotted),
    ("B.C.", Word::EraDotted),
    ("AD", Word::Era),
    ("BC", Word::Era),
    ("TZ", Word::Zone),
];

/// Whether a part is padded to its full width.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    Full,
    Left,
}

/// The timestamp as the pattern says.
pub(super) fn to_char(timestamp: Timestamp, pattern: &str) -> Result<String, EvalError> {
    let at = civil(timestamp)?;
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while !rest.is_empty() {
        rest = take_part(at, rest, &mut out);
        checked_len(out.len())?;
    }
    Ok(out)
}

/// Appends what the front of `rest` stands for; returns what follows it.
fn take_part<'a>(at: DateTime, rest: &'a str, out: &mut String) -> &'a str {
    if let Some(quoted) = rest.strip_prefix('"') {
        return take_quoted(quoted, out);
    }
    if let Some(quote) = rest.strip_prefix("\\\"") {
        out.push('"');
        return quote;
    }
    let modified = strip_either_case(rest, "FM").or_else(|| strip_either_case(rest, "TM"));
    let (padding, part) = match modified {
        Some(part) => (Padding::Left, part),
        None => (Padding::Full, rest),
    };
    if let Some((pattern, word, after)) = find(WORDS, part, strip_word) {
        out.push_str(&word_text(at, word, pattern, padding));
        return after;
    }
    if let Some((_, number, after)) = find(NUMBERS, part, strip_either_case) {
        let text = number_text(at, number, padding);
        out.push_str(&text);
        return take_ordinal(&text, after, out);
    }
    if part.len() < rest.len() {
        return part;
    }
    let mut characters = rest.chars();
    out.extend(characters.next());
    characters.as_str()
}

/// Appends text up to its closing quote; a backslash takes the next character as it is.
fn take_quoted<'a>(quoted: &'a str, out: &mut String) -> &'a str {
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => out.extend(characters.next()),
            plain => out.push(plain),
        }
    }
    characters.as_str()
}

/// What follows `prefix`, given in upper case, in `text`, where that is there in upper or lower case.
fn strip_either_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let front = text.get(..prefix.len())?;
    let found = front == prefix || front == prefix.to_ascii_lowercase();
    found.then(|| &text[prefix.len()..])
}

/// As [`strip_either_case`], of the names also capitalized: `Month`.
fn strip_word<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let is_name = MONTH_AND_DAY_NAMES.contains(&prefix);
    let is_capitalized =
        |front: &str| front[..1] == prefix[..1] && front[1..] == prefix[1..].to_ascii_lowercase();
    strip_either_case(text, prefix).or_else(|| {
        let front = text.get(..prefix.len())?;
        let found = is_name && front.is_ascii() && is_capitalized(front);
        found.then(|| &text[prefix.len()..])
    })
}

/// The first entry that `text` begins with, as `strip` sees it: as it is written there, what it means, and what follows.
fn find<'a, T: Copy>(
    table: &[(&str, T)],
    text: &'a str,
    strip: impl Fn(&'a str, &str) -> Option<&'a str>,
) -> Option<(&'a str, T, &'a str)> {
    table.iter().find_map(|(pattern, meaning)| {
        let after = strip(text, pattern)?;
        Some((&text[..pattern.len()], *meaning, after))
    })
}

/// Appends the ending of an ordinal, where `after` asks for one.
fn take_ordinal<'a>(number: &str, after: &'a str, out: &mut String) -> &'a str {
    let (ending, rest) = match (after.strip_prefix("th"), after.strip_prefix("TH")) {
        (Some(rest), _) => (ordinal_ending(number).to_owned(), rest),
        (_, Some(rest)) => (ordinal_ending(number).to_uppercase(), rest),
        _ => return after,
    };
    out.push_str(&ending);
    rest
}

fn ordinal_ending(number: &str) -> &'static str {
    let mut digits = number.bytes().rev();
    match (digits.next(), digits.next()) {
        (_, Some(b'1')) => "th",
        (Some(b'1'), _) => "st",
        (Some(b'2'), _) => "nd",
        (Some(b'3'), _) => "rd",
        _ => "th",
    }
}

fn number_text(at: DateTime, number: Number, padding: Padding) -> String {
    let date = at.date();
    let year = i32::from(at.year());
    let iso = date.iso_week_date();
    let iso_day = i32::from(at.weekday().to_monday_one_offset());
    let (value, width) = match number {
        Number::Hour12 => (i32::from((at.hour() + 11) % 12 + 1), 2),
        Number::Hour24 => (i32::from(at.hour()), 2),
        Number::Minute => (i32::from(at.minute()), 2),
        Number::Second => (i32::from(at.second()), 2),
        Number::Millisecond => return format!("{:03}", micros(at) / 1000),
        Number::Microsecond => return format!("{:06}", micros(at)),
        Number::Fraction(digits) => {
            let cut = 10i32.pow(6 - digits);
            return format!("{:0width$}", micros(at) / cut, width = digits as usize);
        }
        Number::SecondOfDay => {
            let minutes = i32::from(at.hour()) * 60 + i32::from(at.minute());
            (minutes * 60 + i32::from(at.second()), 1)
        }
        Number::Year(digits) => (year % 10i32.pow(digits), digits as usize),
        Number::YearWithComma => return format!("{},{:03}", year / 1000, year % 1000),
        Number::IsoYear(digits) => (i32::from(iso.year()) % 10i32.pow(digits), digits as usize),
        Number::Month => (i32::from(at.month()), 2),
        Number::Day => (i32::from(at.day()), 2),
        Number::DayOfYear => (i32::from(at.day_of_year()), 3),
        Number::IsoDayOfYear => ((i32::from(iso.week()) - 1) * 7 + iso_day, 3),
        Number::DayOfWeek => (i32::from(at.weekday().to_sunday_zero_offset()) + 1, 1),
        Number::IsoDayOfWeek => (iso_day, 1),
        Number::WeekOfMonth => ((i32::from(at.day()) - 1) / 7 + 1, 1),
        Number::WeekOfYear => ((i32::from(at.day_of_year()) - 1) / 7 + 1, 2),
        Number::IsoWeek => (i32::from(iso.week()), 2),
        Number::Century => ((year + 99) / 100, 2),
        Number::Julian => (julian_day(date), 1),
        Number::Quarter => (i32::from((at.month() - 1) / 3 + 1), 1),
    };
    match padding {
        Padding::Full => format!("{value:0width$}"),
        Padding::Left => value.to_string(),
    }
}

fn word_text(at: DateTime, word: Word, pattern: &str, padding: Padding) -> String {
    let month = usize::from(at.month().unsigned_abs()) - 1;
    let day = usize::from(at.weekday().to_sunday_zero_offset().unsigned_abs());
    let (text, width) = match word {
        Word::Month => (MONTHS[month], 9),
        Word::MonthShort => (&MONTHS[month][..SHORT], 0),
        Word::Day => (DAYS[day], 9),
        Word::DayShort => (&DAYS[day][..SHORT], 0),
        Word::MonthRoman => (ROMAN[month], 4),
        Word::HalfOfDay if at.hour() < 12 => ("AM", 0),
        Word::HalfOfDay => ("PM", 0),
        Word::HalfOfDayDotted if at.hour() < 12 => ("A.M.", 0),
        Word::HalfOfDayDotted => ("P.M.", 0),
        Word::Era => ("AD", 0),
        Word::EraDotted => ("A.D.", 0),
        // A timestamp without time zone has none to name.
        Word::Zone => ("", 0),
    };
    let text = in_case_of(text, pattern);
    match padding {
        Padding::Full => format!("{text:width$}"),
        Padding::Left => text,
    }
}

/// A word in lower or upper case, or capitalized, as the pattern is.
fn in_case_of(word: &str, pattern: &str) -> String {
    let mut letters = pattern.chars().filter(char::is_ascii_alphabetic);
    let is_upper = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_uppercase());
    match (is_upper(letters.next()), is_upper(letters.next())) {
        (true, true) => word.to_uppercase(),
        (true, false) => word.to_owned(),
        (false, _) => word.to_lowercase(),
    }
}
