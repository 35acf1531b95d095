//! Sends results from the disk to a store: removes the old objects, sends the new ones, and does
//! not send again what was sent before a kill.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fs_err::File;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::{Lock, remove_file, upload};

/// The files of a folder, relative to it, and their sizes in bytes.
pub(crate) type Files = BTreeMap<PathBuf, u64>;

/// The hashes of files that were sent, or are being sent. An object with the name and the size of a
/// file has the bytes of this hash.
pub(crate) type Sent = BTreeMap<PathBuf, String>;

/// The number of files that are sent at once.
const AT_ONCE: usize = 8;

/// Sends results to a folder of a store.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// The output folder in the store.
    pub(crate) out: &'a Path,
    /// The folder of the disk that holds the results now.
    pub(crate) stage: &'a Path,
    /// The lock of the output folder, which is checked before each file.
    pub(crate) lock: &'a Lock,
}

impl Sending<'_> {
    /// Hashes every file.
    pub(crate) fn hashes(&self, files: &Files) -> Result<Sent> {
        let hash = |file: &PathBuf| {
            let staged = File::open(self.stage.join(file)).map_err(Error::io)?;
            Ok((file.clone(), hash_of(&staged)?))
        };
        files.keys().map(hash).collect()
    }

    /// Removes the objects that are not of the new result, and returns the files that are there
    /// already. `old` are the objects, `new` the files of the new result, `before` the hashes that
    /// an earlier attempt recorded, and `now` the hashes of the new files.
    pub(crate) fn clear(&self, old: &Files, new: &Files, before: &Sent, now: &Sent) -> Result<Files> {
        let is_sent = |file: &PathBuf, bytes: &u64| {
            new.get(file) == Some(bytes) && before.get(file).is_some_and(|hash| now.get(file) == Some(hash))
        };
        let (there, foreign): (Files, Files) =
            old.clone().into_iter().partition(|(file, bytes)| is_sent(file, bytes));
        foreign.keys().try_for_each(|file| remove_file(&self.out.join(file)))?;
        Ok(there)
    }

    /// Sends the files of `new` that are not `there`.
    ///
    /// # Errors
    /// A file that does not have the hash that was recorded, a lost lock, or a store that fails.
    pub(crate) fn send(&self, new: &Files, there: &Files, hashes: &Sent) -> Result<()> {
        let files: Vec<&PathBuf> = new.keys().filter(|file| !there.contains_key(*file)).collect();
        let next = AtomicUsize::new(0);
        let send = || {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.lock.check()?;
                let staged = File::open(self.stage.join(file)).map_err(Error::io)?;
                if hashes.get(*file) != Some(&hash_of(&staged)?) {
                    return Err(Error::output(self.stage.join(file), "changed before it was sent")
                        .hint("ensure that nothing else writes there, and run the same command again"));
                }
                upload(staged, &self.out.join(file))?;
            }
            Ok(())
        };
        // Each thread waits for the network most of the time.
        std::thread::scope(|scope| {
            let threads = [(); AT_ONCE].map(|()| scope.spawn(send));
            threads.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::usage("a sending thread failed")))
            })
        })
    }
}

/// Hashes all bytes of a file that was just opened.
fn hash_of(mut file: &File) -> Result<String> {
    let (mut hash, mut buffer) = (Xxh3::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(Error::io)? {
            0 => return Ok(format!("{:032x}", hash.digest128())),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::files_below;

    #[test]
    fn objects_sent_before_a_kill_stay_and_all_others_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (out, stage) = (folder.path().join("out"), folder.path().join("stage"));
        for (at, name, text) in [
            (&out, "same", "1"),
            (&out, "other", "2"),
            (&out, "cut", "3"),
            (&out, "unknown", "4"),
            (&out, "gone", "5"),
            (&stage, "same", "1"),
            (&stage, "other", "6"),
            (&stage, "cut", "3 and more"),
            (&stage, "unknown", "4"),
            (&stage, "new", "7"),
        ] {
            std::fs::create_dir_all(at).unwrap();
            std::fs::write(at.join(name), text).unwrap();
        }
        let lock = Lock::take(&out).unwrap();
        let sending = Sending { out: &out, stage: &stage, lock: &lock };
        let all =
            |folder: &Path| files_below(folder, ["same", "other", "cut", "unknown", "gone", "new"]).unwrap();
        let (old, new) = (all(&out), all(&stage));
        let before = Sending { stage: &out, ..sending }.hashes(&old).unwrap();
        let before: Sent = before.into_iter().filter(|(file, _)| file != Path::new("unknown")).collect();
        let now = sending.hashes(&new).unwrap();
        let there = sending.clear(&old, &new, &before, &now).unwrap();
        let kept: Files = [(PathBuf::from("same"), 1)].into();
        assert_eq!((there, all(&out)), (kept.clone(), kept));
    }

    #[test]
    fn a_staged_file_that_is_not_the_recorded_one_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let (out, stage) = (folder.path().join("out"), folder.path().join("stage"));
        std::fs::create_dir_all(&out).unwrap();
        std::fs::create_dir_all(&stage).unwrap();
        std::fs::write(stage.join("file"), "mine").unwrap();
        let lock = Lock::take(&out).unwrap();
        let sending = Sending { out: &out, stage: &stage, lock: &lock };
        let new: Files = [(PathBuf::from("file"), 4)].into();
        let hashes = sending.hashes(&new).unwrap();
        std::fs::write(stage.join("file"), "your").unwrap();
        let error = sending.send(&new, &Files::new(), &hashes).unwrap_err();
        assert!(error.to_string().contains("changed before it was sent"), "{error}");
    }
}
