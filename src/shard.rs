//! Several exporters that share the companies of one key: which of them reads which company.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// One of several exporters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u8,
    total: u8,
}

impl Shard {
    /// An exporter that reads all companies.
    pub const ALL: Self = Self { number: 0, total: 1 };

    /// Number `number` of `total`, counted from 0; none if there is no such one.
    pub fn new(number: u8, total: u8) -> Option<Self> {
        (number < total).then_some(Self { number, total })
    }

    /// The number of this one, from 0.
    pub fn number(self) -> u8 {
        self.number
    }

    /// How many there are.
    pub fn total(self) -> u8 {
        self.total
    }

    /// Whether this one reads the company. Of each company's id and every shard's number, a digest is taken: the shard with the greatest
    /// one reads it. So with one more shard, a company stays where it is or goes to the new one.
    pub fn has(self, company: &str) -> bool {
        let company = company.to_ascii_lowercase();
        let weight = |shard: u8| {
            let mut context = Context::new(&SHA256);
            context.update(&[shard]);
            context.update(company.as_bytes());
            context.finish().as_ref().to_vec()
        };
        self.total == 1 || (0..self.total).max_by_key(|shard| weight(*shard)) == Some(self.number)
    }

    /// This one's part of `all` requests at once: together they have as many, and none has more than one more than another.
    pub fn part_of(self, all: u8) -> u8 {
        all / self.total + u8::from(self.number < all % self.total)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.number, self.total)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shards(total: u8) -> impl Iterator<Item = Shard> {
        (0..total).map(move |number| Shard::new(number, total).unwrap())
    }

    /// Which shard reads the company; it is one alone.
    fn owner(company: &str, total: u8) -> u8 {
        let mut owners = shards(total).filter(|shard| shard.has(company));
        let (first, second) = (owners.next().unwrap(), owners.next());
        assert_eq!(second, None, "{company} of {total}");
        first.number()
    }

    #[test]
    fn each_company_is_read_once_and_few_move() {
        let companies: Vec<String> = (0..2000).map(|number| format!("company-{number}")).collect();
        for total in 1..=9 {
            let read = |number| companies.iter().filter(|company| owner(company, total) == number).count();
            let even = companies.len() / usize::from(total);
            for number in 0..total {
                assert!(
                    read(number).abs_diff(even) < even / 5,
                    "shard {number} of {total}: {}",
                    read(number)
                );
            }
            let mut moved = 0;
            for company in &companies {
                let (before, after) = (owner(company, total), owner(company, total + 1));
                assert!(after == before || after == total, "{company} goes from {before} to {after}");
                moved += usize::from(after != before);
            }
            let expected = companies.len() / usize::from(total + 1);
            assert!(moved.abs_diff(expected) < expected / 4, "from {total} on, {moved} move");
        }
    }

    /// A shard of another release reads the same companies.
    #[test]
    fn who_reads_what_stays() {
        for (company, of_three, of_four) in [
            ("5d0c1f0a-3333-4a2b-9c3d-000000000003", 2, 2),
            ("5D0C1F0A-3333-4A2B-9C3D-000000000003", 2, 2),
            ("5d0c1f0a-3333-4a2b-9c3d-000000000004", 2, 3),
            ("a", 2, 2),
            ("b", 1, 1),
        ] {
            assert_eq!((owner(company, 3), owner(company, 4)), (of_three, of_four), "{company}");
        }
    }

    #[test]
    fn requests_are_shared() {
        for (all, total, parts) in
            [(8, 1, &[8][..]), (8, 3, &[3, 3, 2]), (10, 4, &[3, 3, 2, 2]), (3, 3, &[1, 1, 1])]
        {
            assert_eq!(shards(total).map(|shard| shard.part_of(all)).collect::<Vec<_>>(), parts, "{all}");
        }
        assert_eq!((Shard::new(3, 3), Shard::new(0, 0)), (None, None));
    }
}
