//! Results on their way from the disk to a store: the old ones out, the new ones in, and what was sent before a kill not
//! sent again.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fs_err::File;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::{Lock, remove_file, upload};

/// Files of a folder, relative to it, with their sizes.
pub(crate) type Files = BTreeMap<PathBuf, u64>;

/// Hashes of files that were sent, or are being sent: an object of this name and size has these bytes.
pub(crate) type Sent = BTreeMap<PathBuf, String>;

/// Files that are on their way at once.
const AT_ONCE: usize = 8;

/// A folder of a store that results are sent to.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    pub(crate) out: &'a Path,
    /// Where the results are now.
    pub(crate) stage: &'a Path,
    pub(crate) lock: &'a Lock,
}

impl Sending<'_> {
    /// The hash of every file.
    pub(crate) fn hashes(&self, files: &Files) -> Result<Sent> {
        let hash = |file: &PathBuf| {
            let staged = File::open(self.stage.join(file)).map_err(Error::io)?;
            Ok((file.clone(), hash_of(&staged)?))
        };
        files.keys().map(hash).collect()
    }

    /// Takes away what is not of the new result, and says what of it is there already.
    pub(crate) fn clear(&self, old: &Files, new: &Files, (before, now): (&Sent, &Sent)) -> Result<Files> {
        let is_sent = |file: &PathBuf, bytes: &u64| {
            new.get(file) == Some(bytes) && before.get(file).is_some_and(|hash| now.get(file) == Some(hash))
        };
        let (there, foreign): (Files, Files) =
            old.clone().into_iter().partition(|(file, bytes)| is_sent(file, bytes));
        foreign.keys().try_for_each(|file| remove_file(&self.out.join(file)))?;
        Ok(there)
    }

    /// Sends what is not there; only what has the hash that was recorded.
    pub(crate) fn send(&self, new: &Files, (there, hashes): (&Files, &Sent)) -> Result<()> {
        let files: Vec<&PathBuf> = new.keys().filter(|file| !there.contains_key(*file)).collect();
        let next = AtomicUsize::new(0);
        let send = || {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.lock.check()?;
                let staged = File::open(self.stage.join(file)).map_err(Error::io)?;
                if hashes.get(*file) != Some(&hash_of(&staged)?) {
                    return Err(Error::output(self.stage.join(file), "changed before it was sent")
                        .hint("see that nothing else writes there, and run the same command again"));
                }
                upload(staged, &self.out.join(file))?;
            }
            Ok(())
        };
        // Each waits for the network most of the time.
        std::thread::scope(|scope| {
            let threads = [(); AT_ONCE].map(|()| scope.spawn(send));
            threads.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::usage("a sending thread failed")))
            })
        })
    }
}

/// Of all bytes of a file that was just opened.
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
    fn what_was_sent_before_a_kill_stays_and_everything_else_goes() {
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
        let there = sending.clear(&old, &new, (&before, &now)).unwrap();
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
        let error = sending.send(&new, (&Files::new(), &hashes)).unwrap_err();
        assert!(error.to_string().contains("changed before it was sent"), "{error}");
    }
}
