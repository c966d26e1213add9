//! Text in a file, which the system hands on to a socket without a copy.
//!
//! The file is in memory and has no name. What was written is never changed, and its place never used again: who sends it
//! need not wait for who gives it back. What that bought stands in `docs/performance.md`. Must not know what the text says.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Space is given back by the page. This is a multiple of the size of most systems, and [`open`] sees to it that the file has no
/// larger ones: a place that shared a page with another one would be wiped in the page, which a socket may still hold.
const PAGE: u64 = 64 * 1024;

/// The file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    file: File,
    /// Everything from here on is free. It has 63 bits: at a gigabyte each second, enough for 290 years.
    free: AtomicU64,
}

impl Store {
    /// An empty file. Where the system has none that is fit, nothing can be kept in it.
    pub fn new() -> Self {
        Self(open().map(|file| Arc::new(Inner { file, free: AtomicU64::new(0) })))
    }

    /// Whether anything can be kept in it.
    pub fn can_keep(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps a copy of `text` for as long as the extent, or a part of it, is there. None when the system has no room, or no
    /// such files: on Linux it has.
    pub fn keep(&self, text: &[u8]) -> Option<Extent> {
        let inner = Arc::clone(self.0.as_ref()?);
        let len = u64::try_from(text.len()).ok()?;
        let taken = len.next_multiple_of(PAGE);
        let begin = inner.free.fetch_add(taken, Ordering::Relaxed);
        let room = Room { inner, begin, len: taken };
        room.inner.file.write_all_at(text, begin).ok()?;
        Some(Extent { room: Arc::new(room), begin, len })
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

/// A part of the file that is given back at its end.
#[derive(Debug)]
struct Room {
    inner: Arc<Inner>,
    begin: u64,
    len: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        give_back(&self.inner.file, self.begin, self.len);
    }
}

/// Some text in the file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extent {
    room: Arc<Room>,
    begin: u64,
    len: u64,
}

impl Extent {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its first `len` bytes, or as many as it has. They are taken off here.
    #[must_use]
    pub fn split_to(&mut self, len: u64) -> Self {
        let len = len.min(self.len);
        let first = Self { room: Arc::clone(&self.room), begin: self.begin, len };
        self.begin += len;
        self.len -= len;
        first
    }

    /// A copy in memory.
    ///
    /// # Errors
    /// When the system cannot read what it wrote.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut text = vec![0; usize::try_from(self.len).map_err(io::Error::other)?];
        self.room.inner.file.read_exact_at(&mut text, self.begin)?;
        Ok(text)
    }

    /// Hands at most `most` of its bytes to `socket`, and takes them off here. Returns how many.
    ///
    /// # Errors
    /// Those of the socket: where it does not block, also that it takes nothing now.
    pub fn send(&mut self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX).min(most);
        let sent = hand_on(&self.room.inner.file, self.begin, len, socket)?;
        drop(self.split_to(u64::try_from(sent).unwrap_or(u64::MAX)));
        Ok(sent)
    }
}

#[cfg(target_os = "linux")]
fn open() -> Option<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::process::{Resource, getrlimit};
    // Places are never used again. Where files may not grow without end, writing beyond it would end the process.
    getrlimit(Resource::Fsize).current.is_none().then_some(())?;
    has_small_pages(std::path::Path::new("/sys/kernel/mm")).then_some(())?;
    let file: File = memfd_create("nectar-exporter", MemfdFlags::CLOEXEC).ok()?.into();
    is_fit(&file).is_ok_and(|is_fit| is_fit).then_some(file)
}

/// Whether the system gives files in memory no huge pages, by itself and for each size. In its `settings` the word in brackets holds.
#[cfg(target_os = "linux")]
fn has_small_pages(settings: &std::path::Path) -> bool {
    let settings_of_huge = settings.join("transparent_hugepage");
    let sizes = std::fs::read_dir(&settings_of_huge).into_iter().flatten().filter_map(Result::ok);
    let files = sizes.map(|entry| entry.path()).chain([settings_of_huge]);
    // Where there is no such file, there are no such pages; where there are no settings at all, nobody knows.
    let mut texts = files.filter_map(|folder| std::fs::read_to_string(folder.join("shmem_enabled")).ok());
    let is_without =
        |text: String| ["[never]", "[advise]", "[deny]", "[inherit]"].iter().any(|word| text.contains(word));
    settings.is_dir() && texts.all(is_without)
}

/// Whether a place can be sent and given back: some systems have such files, but not all that can be done with them.
#[cfg(target_os = "linux")]
fn is_fit(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    file.write_all_at(&[1], 0)?;
    let sent = hand_on(file, 0, 1, &ours)?;
    give_back(file, 0, PAGE);
    Ok(sent == 1 && file.metadata()?.blocks() == 0)
}

#[cfg(target_os = "linux")]
fn give_back(file: &File, begin: u64, len: u64) {
    use rustix::fs::{FallocateFlags, fallocate};
    // Should it fail, the memory stays taken; nothing else can be done.
    let _ = fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, begin, len);
}

#[cfg(target_os = "linux")]
fn hand_on(file: &File, mut begin: u64, len: usize, socket: impl AsFd) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(&mut begin), len)?)
}

#[cfg(not(target_os = "linux"))]
fn open() -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn give_back(_: &File, _: u64, _: u64) {}

#[cfg(not(target_os = "linux"))]
fn hand_on(_: &File, _: u64, _: usize, _: impl AsFd) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
