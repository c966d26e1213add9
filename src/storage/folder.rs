//! The folder: one process writes there, and what it wrote last is always there whole.
//!
//! The state is in the file `state`. As soon as something newer is shown, that file is called `state.behind`, so that a program that
//! was killed can be told from one that was stopped.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

const STATE: &str = "state";
const BEHIND: &str = "state.behind";
const NEW: &str = "state.new";
const LOCK: &str = "lock";

/// The folder, and the lock on it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: Option<File>,
}

/// What was found there.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: Vec<u8>,
    /// Whether nothing newer was shown.
    pub is_whole: bool,
}

/// Why nothing can be written there.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process writes there.
    #[error("another process stores its state there")]
    InUse,
    /// What the system says.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl FolderError {
    /// What a person can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::InUse => {
                "give each exporter a folder of its own with --storage.path, or stop the other process"
            }
            Self::System(_) => "check --storage.path, its owner and permissions, and the room on its disk",
        }
    }
}

impl Folder {
    /// Nothing is done there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    /// Makes it this process' own, unless it is already, until this is dropped. A folder that does not exist is created.
    ///
    /// # Errors
    /// [`FolderError`], if it is another process' own, or the system does not allow it.
    pub fn claim(&mut self) -> Result<(), FolderError> {
        if self.lock.is_some() {
            return Ok(());
        }
        // Statuses of customers are nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        let lock = private().truncate(false).open(self.path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => self.lock = Some(lock),
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Reads what was written last; none if nothing was.
    ///
    /// # Errors
    /// When there is something that cannot be read.
    pub fn read(&self) -> io::Result<Option<Found>> {
        for (name, is_whole) in [(STATE, true), (BEHIND, false)] {
            match fs::read(self.path.join(name)) {
                Ok(file) => return Ok(Some(Found { file, is_whole })),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Notes that something newer is shown than what was written. Nothing to be done while this process does not write here.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn mark_behind(&self) -> io::Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        match self.rename(STATE, BEHIND) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Writes what `fill` writes, in the place of what was there. At its end, `is_whole` says whether nothing newer was shown meanwhile.
    ///
    /// # Errors
    /// When it cannot be written: what was there before is still there.
    pub fn write(
        &mut self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
        is_whole: impl FnOnce() -> bool,
    ) -> Result<(), FolderError> {
        self.claim()?;
        self.mark_behind()?;
        let written = self.write_new(fill).and_then(|()| {
            let is_whole = is_whole();
            self.rename(NEW, if is_whole { STATE } else { BEHIND })?;
            Ok(is_whole)
        });
        match written {
            Ok(true) => self.remove(BEHIND),
            Ok(false) => {}
            Err(error) => {
                // On a full disk, others need the room.
                self.remove(NEW);
                // The folder is gone, and its lock with it: the next write makes both anew.
                if error.kind() == ErrorKind::NotFound {
                    self.lock = None;
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn write_new(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = BufWriter::new(private().truncate(true).open(self.path.join(NEW))?);
        fill(&mut out)?;
        out.into_inner()?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        // Some file systems cannot do this. There, a power cut can undo the renaming, and no more than that.
        let _ = File::open(&self.path).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Where it stays, it is overwritten by and by, and never read.
    fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }
}

/// Whether the folder exists, or else can be created. Nothing is changed there: what only a write would show is not found.
///
/// # Errors
/// [`FolderError`], if it is another process' own, or this one may not write there.
pub fn inspect(path: &Path) -> Result<bool, FolderError> {
    // Of a relative path, the last one is empty.
    let mut ancestors =
        path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).chain([Path::new(".")]);
    let is_there = |folder: &&Path| !is_missing(&fs::metadata(folder));
    let nearest = ancestors.find(is_there).unwrap_or(path);
    if !fs::metadata(nearest)?.is_dir() {
        return Err(io::Error::from(ErrorKind::NotADirectory).into());
    }
    access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)?;
    if nearest != path {
        return Ok(false);
    }
    let lock = OpenOptions::new().write(true).open(path.join(LOCK));
    if is_missing(&lock) {
        return Ok(true);
    }
    // Shared, so that others may look at the same time.
    match lock?.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn is_missing<T>(found: &io::Result<T>) -> bool {
    found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// How to open a file that only this user can read, and that is created if it does not exist.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Whatever step a program is killed after, the last state is found. Its writing itself: tests/exporter/storage/files.rs.
    #[test]
    fn what_is_found_after_each_step() {
        for (files, expected) in [
            (&[][..], None),
            (&[(LOCK, "")], None),
            (&[(NEW, "new")], None),
            (&[(STATE, "old")], Some(("old", true))),
            (&[(BEHIND, "old")], Some(("old", false))),
            (&[(BEHIND, "old"), (NEW, "ne")], Some(("old", false))),
            (&[(BEHIND, "old"), (STATE, "new")], Some(("new", true))),
            (&[(BEHIND, "new")], Some(("new", false))),
        ] {
            let place = tempfile::tempdir().unwrap();
            files.iter().for_each(|(name, text)| fs::write(place.path().join(name), text).unwrap());
            let found = Folder::new(place.path().to_owned()).read().unwrap();
            let expected = expected.map(|(text, is_whole)| Found { file: text.into(), is_whole });
            assert_eq!(found, expected, "{files:?}");
        }
    }

    #[test]
    fn what_was_shown_during_the_write_makes_it_no_whole_state() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(place.path().join("new"));
        for (text, is_whole) in [("a", true), ("b", false), ("c", false), ("d", true)] {
            folder.write(|out| out.write_all(text.as_bytes()), || is_whole).unwrap();
            assert_eq!(folder.read().unwrap(), Some(Found { file: text.into(), is_whole }));
        }
        folder.mark_behind().unwrap();
        assert_eq!(folder.read().unwrap(), Some(Found { file: "d".into(), is_whole: false }));
        let failed = folder.write(|_| Err(io::Error::other("no")), || true);
        assert!(failed.is_err());
        assert_eq!(folder.read().unwrap(), Some(Found { file: "d".into(), is_whole: false }), "still there");
        assert!(!place.path().join("new").join(NEW).exists());
    }

    #[test]
    fn a_folder_that_is_removed_is_made_anew() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new");
        let mut folder = Folder::new(path.clone());
        let mut write = || folder.write(|out| out.write_all(b"a"), || true);
        write().unwrap();
        fs::remove_dir_all(&path).unwrap();
        assert!(write().is_err());
        write().unwrap();
        assert!(matches!(Folder::new(path).claim(), Err(FolderError::InUse)), "with its lock");
    }

    /// Whoever looks leaves no trace, and is told the same again.
    #[test]
    fn what_is_seen_without_a_trace() {
        use std::os::unix::fs::PermissionsExt;

        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("file"), "").unwrap();
        fs::create_dir_all(path("odd").join(LOCK)).unwrap();
        for name in ["empty", "read-only", "free"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::set_permissions(path("read-only"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::write(path("free").join(LOCK), "").unwrap();
        let mut taken = Folder::new(path("taken"));
        taken.claim().unwrap();
        let _another_look = File::open(path("free").join(LOCK)).unwrap().lock_shared();
        // Root may write everywhere.
        let is_root = rustix::process::geteuid().is_root();
        let denied = |as_root| if is_root { as_root } else { Err("Permission denied") };
        for (name, expected) in [
            ("empty", Ok(true)),
            ("free", Ok(true)),
            ("new", Ok(false)),
            ("new/folder", Ok(false)),
            ("taken", Err("another process")),
            ("file", Err("not a directory")),
            ("file/folder", Err("Not a directory")),
            ("odd", Err("Is a directory")),
            ("read-only", denied(Ok(true))),
            ("read-only/new", denied(Ok(false))),
        ] {
            for _ in 0..2 {
                let seen = inspect(&path(name)).map_err(|error| error.to_string());
                match (&seen, expected) {
                    (Err(seen), Err(expected)) => assert!(seen.contains(expected), "{name}: {seen}"),
                    _ => assert_eq!(seen, expected.map_err(str::to_owned), "{name}"),
                }
            }
        }
        assert!(!path("new").exists() && fs::read_dir(path("empty")).unwrap().next().is_none());
        assert!(!inspect(Path::new("no-such-folder/here")).unwrap(), "below the working directory");
    }
}
