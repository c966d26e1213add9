//! The formats of times that Nectar is known to use.

use jiff::Timestamp;
use jiff::tz::Offset;

/// The format of all times of one row. Rows differ, as if several programs had written them.
#[derive(Debug)]
pub struct TimestampFormat {
    form: Form,
    now: Timestamp,
}

#[derive(Debug)]
enum Form {
    Zulu,
    Offset(Offset),
    Nanoseconds,
    /// No zone, and so many digits after the seconds; UTC is meant.
    NoZone(usize),
}

impl TimestampFormat {
    /// Chosen by row number, so that a few rows have all formats.
    pub fn of(number: u64, now: Timestamp) -> Self {
        let form = match number % 4 {
            0 => Form::Zulu,
            1 => Form::Offset(Offset::from_seconds(offset_seconds(number / 4)).unwrap_or(Offset::UTC)),
            2 => Form::Nanoseconds,
            _ => Form::NoZone(3),
        };
        Self { form, now }
    }

    /// Webhook events have these two formats.
    pub fn of_event(number: u64, now: Timestamp) -> Self {
        Self { form: Form::NoZone(if number.is_multiple_of(2) { 6 } else { 9 }), now }
    }

    /// Never later than now, even if the clock stepped back; cutting digits off only makes it earlier.
    pub fn write(&self, time: Timestamp) -> String {
        let time = time.min(self.now);
        match self.form {
            Form::Zulu => format!("{time:.0}"),
            Form::Offset(offset) => format!("{:.0}", time.display_with_offset(offset)),
            Form::Nanoseconds => format!("{time:.9}"),
            Form::NoZone(digits) => format!("{time:.digits$}").trim_end_matches('Z').to_owned(),
        }
    }

    /// The date of `time`; never later than now either.
    pub fn date(&self, time: Timestamp) -> String {
        let mut text = time.min(self.now).to_string();
        text.truncate("2026-11-22".len());
        text
    }
}

/// Mostly whole hours, as in most of the world.
fn offset_seconds(number: u64) -> i32 {
    match number % 4 {
        0 => 2 * 3600,
        1 => -5 * 3600,
        2 => 5 * 3600 + 1800,
        _ => 9 * 3600,
    }
}
