//! The files that a web configuration consists of, and whether they have changed since they were read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

/// Larger files are no configuration, certificate or key.
const MAX_BYTES: u64 = 1024 * 1024;

/// Device, inode, size and times: they change whenever the file does. None where there is no such file.
type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64)>;

/// The files of one reading, and their state at that time.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct Files {
    /// The folder that relative paths start from.
    folder: PathBuf,
    read: Vec<(PathBuf, Stamp)>,
}

impl Files {
    /// None read yet.
    pub(super) fn relative_to(folder: PathBuf) -> Self {
        Self { folder, read: Vec::new() }
    }

    /// The path that `text` stands for.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    /// A file that could not be read: a later change of it is seen all the same.
    pub(super) fn one(path: &Path) -> Self {
        Self { folder: PathBuf::new(), read: vec![(path.to_owned(), stamp(path))] }
    }

    /// The contents of a file.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<SecretSlice<u8>> {
        // Before reading: a change while we read is then seen as one.
        self.read.push((path.to_owned(), stamp(path)));
        // Opening a pipe waits until somebody writes to it.
        if std::fs::metadata(path)?.file_type().is_fifo() {
            return Err(io::Error::other("it is a pipe, and no file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        match u64::try_from(bytes.len()) {
            Ok(length) if length <= MAX_BYTES => Ok(bytes.into()),
            _ => Err(io::Error::other("it is larger than 1 MiB")),
        }
    }

    /// The same files, as they are now.
    pub(super) fn now(&self) -> Self {
        let read = self.read.iter().map(|(path, _)| (path.clone(), stamp(path))).collect();
        Self { folder: self.folder.clone(), read }
    }
}

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    let (changed, nanos) = (data.ctime(), data.ctime_nsec());
    Some((data.dev(), data.ino(), data.size(), data.mtime(), data.mtime_nsec(), changed, nanos))
}
