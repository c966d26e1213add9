//! Writes values of samples digit by digit: whole numbers, and times in seconds.
//!
//! They are whole nanoseconds throughout, and never floats: finding the nearest float is left to the reader. A scrape writes 20,000
//! ages.

use jiff::SignedDuration;

/// Writes a whole number.
pub fn push_whole(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Writes a duration in seconds, with as many decimals as it has.
pub fn push_seconds(out: &mut String, duration: SignedDuration) {
    if duration.is_negative() {
        out.push('-');
    }
    push_whole(out, duration.as_secs().unsigned_abs());
    let nanos = duration.subsec_nanos().unsigned_abs();
    if nanos > 0 {
        let mut digits = itoa::Buffer::new();
        // The leading digit keeps the zeros behind it.
        let fraction = digits.format(1_000_000_000 + nanos).get(1..).unwrap_or_default();
        out.push('.');
        out.push_str(fraction.trim_end_matches('0'));
    }
}
