//! Which rows are on a page.

/// How the list behaves while it is being paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It stays as it is.
    Steady,
    /// Each page after the first repeats the last row of the one before.
    Overlapping,
    /// After the first page was read, rows at its front moved to the end.
    Moving,
}

/// The envelope's numbers, and where the page's rows are in the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub total: u64,
    pub pages: u64,
    pub current: u64,
    start: u64,
    len: u64,
    /// Added to a row's index on the page, modulo the length of the list.
    shift: u64,
}

impl Page {
    /// Page `wanted` of a list of `total` rows, `limit` (at least 1) on each. Beyond the last page, the last one is repeated.
    pub fn new(total: u64, limit: u64, wanted: u64, order: Order) -> Self {
        let pages = total.div_ceil(limit);
        let current = wanted.clamp(1, pages.max(1));
        let start = (current - 1) * limit;
        let len = limit.min(total - start);
        let (start, shift) = match order {
            Order::Steady => (start, 0),
            Order::Overlapping => (start - (current - 1), 0),
            Order::Moving if current == 1 => (start, 0),
            Order::Moving => (start, (limit / 4).max(1)),
        };
        Self { total, pages, current, start, len, shift }
    }

    /// The rows of `list` that are on this page.
    pub fn rows<'a, T>(&self, list: &[&'a T]) -> Vec<&'a T> {
        let places = (self.start..self.start + self.len).map(|place| (place + self.shift) % self.total);
        places.filter_map(|place| list.get(usize::try_from(place).ok()?).copied()).collect()
    }
}
