//! `cargo xtask mutants`: breaks the alert rules in many small ways, one at a time, and expects a unit test to notice each.

mod expression;
mod rules;
mod suite;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rules::{Mutant, Rules};
use serde_json::Value;
use suite::Suite;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Tests the mutants whose names contain `text`, or only lists them.
///
/// # Errors
/// When a mutant survives that is not an allowed survivor, or an allowed one does not survive; also when there is no such mutant, a
/// file cannot be read, or promtool cannot be run.
pub fn run(list: bool, text: &str) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rules = Rules::read(&root.join("alerts"))?;
    let mutants: Vec<Mutant> =
        rules.mutants().into_iter().filter(|mutant| mutant.name.contains(text)).collect();
    if mutants.is_empty() {
        return Err(format!("no mutant has {text:?} in its name").into());
    }
    if list {
        mutants.iter().for_each(|mutant| println!("{}", mutant.name));
        return Ok(());
    }
    let allowed = fs::read_to_string(root.join("tests/alerts/survivors.txt"))?;
    let mut allowed = allowed_survivors(&allowed);
    allowed.retain(|name, _| name.contains(text));
    let tests = suite::read_tests(&root.join("alerts/tests"))?;
    let survivors = survivors(&rules, &tests, &mutants)?;
    println!("mutants: {}, survived: {}", mutants.len(), survivors.len());
    report(&survivors, &allowed)
}

fn survivors<'a>(rules: &Rules, tests: &[Value], mutants: &'a [Mutant]) -> Result<BTreeSet<&'a str>> {
    let mut suites = BTreeMap::new();
    for Mutant { rule, .. } in mutants {
        suites.entry(rule).or_insert_with(|| Suite::new(rule, rules, tests));
    }
    let done = AtomicUsize::new(0);
    let tested = in_parallel(mutants, |mutant| {
        let suite = suites.get(&mutant.rule).ok_or("a rule without a suite")?;
        let survived = suite.passes(mutant, rules)?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if survived || done.is_multiple_of(100) {
            let outcome = if survived { "survived" } else { "noticed" };
            eprintln!("{done} of {}: {}: {outcome}", mutants.len(), mutant.name);
        }
        Ok(survived.then_some(mutant.name.as_str()))
    })?;
    Ok(tested.into_iter().flatten().collect())
}

/// The outcomes of `work` for all items, in no particular order. Each core works on one item at a time.
fn in_parallel<'a, T: Sync, R: Send>(
    items: &'a [T],
    work: impl Fn(&'a T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let stop = || next.store(items.len(), Ordering::Relaxed);
    let worker = || -> Result<Vec<R>> {
        let items = std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)));
        items.map(|item| work(item).inspect_err(|_| stop())).collect()
    };
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let mut outcomes = Vec::new();
        for worker in workers {
            outcomes.extend(worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok(outcomes)
    })
}

/// Mutants that nothing can notice, each with the reason. A line is a reason, and the indented lines below it are the mutants.
fn allowed_survivors(file: &str) -> BTreeMap<&str, &str> {
    let mut reason = "";
    let mut allowed = BTreeMap::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(name) => {
                allowed.insert(name, reason);
            }
            None => reason = line,
        }
    }
    allowed
}

fn report(survivors: &BTreeSet<&str>, allowed: &BTreeMap<&str, &str>) -> Result<()> {
    for name in survivors {
        match allowed.get(name) {
            Some(reason) => println!("  allowed: {name}: {reason}"),
            None => println!("  survived: {name}"),
        }
    }
    let unexpected = survivors.iter().filter(|name| !allowed.contains_key(**name)).count();
    let gone: Vec<&&str> = allowed.keys().filter(|name| !survivors.contains(**name)).collect();
    for name in &gone {
        println!("  allowed, but it does not exist or was noticed: {name}");
    }
    if unexpected == 0 && gone.is_empty() {
        return Ok(());
    }
    Err(format!("{unexpected} mutants survived that are not allowed to; {} allowed ones did not", gone.len())
        .into())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{allowed_survivors, report};

    #[test]
    fn survivors_and_allowed_ones_must_be_the_same() {
        let allowed = allowed_survivors("# Comment.\n\nA reason.\n  a: b\n  c: d #2\n\nAnother.\n  e\n");
        assert_eq!(
            allowed,
            BTreeMap::from([("a: b", "A reason."), ("c: d #2", "A reason."), ("e", "Another.")])
        );
        let cases: [(&[&str], bool); 3] = [
            (&["a: b", "c: d #2", "e"], true),
            (&["a: b", "e"], false),
            (&["a: b", "c: d #2", "e", "f"], false),
        ];
        for (survivors, good) in cases {
            let survivors = BTreeSet::from_iter(survivors.iter().copied());
            assert_eq!(report(&survivors, &allowed).is_ok(), good, "{survivors:?}");
        }
    }
}
