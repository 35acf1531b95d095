//! Files that are flushed to the disk while they are written.

use std::io::{self, Seek, SeekFrom, Write};
use std::thread::{Builder, JoinHandle};

use fs_err::File;

/// The bytes that are written between two flushes.
const FLUSHED: usize = 32 << 20;

/// A file whose bytes go to the disk while more are written, so that little is left to wait for at its
/// end.
#[derive(Debug)]
pub(crate) struct FlushedFile {
    file: File,
    /// The bytes written since the last flush began.
    unflushed: usize,
    /// The thread that waits for the disk.
    flushing: Option<JoinHandle<io::Result<()>>>,
}

impl FlushedFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file, unflushed: 0, flushing: None }
    }

    /// Waits until the whole file is on the disk.
    ///
    /// # Errors
    /// The disk did not take all bytes. An earlier flush may have found that out: the system reports
    /// such a failure only once, so its result is kept until here.
    pub(crate) fn sync_all(&mut self) -> io::Result<()> {
        self.finish_flush()?;
        self.file.sync_all()
    }

    /// Begins a flush in a thread, unless the disk is still busy with the one before. If no thread can
    /// be started, [`Self::sync_all`] flushes these bytes.
    fn flush_meanwhile(&mut self, thread: Builder) -> io::Result<()> {
        if self.flushing.as_ref().is_some_and(|flushing| !flushing.is_finished()) {
            return Ok(());
        }
        self.finish_flush()?;
        let begun = self.file.try_clone().and_then(|file| thread.spawn(move || file.sync_data()));
        self.flushing = begun.ok();
        self.unflushed = 0;
        Ok(())
    }

    fn finish_flush(&mut self) -> io::Result<()> {
        match self.flushing.take().map(JoinHandle::join) {
            Some(flushed) => flushed.map_err(|_| io::Error::other("the flushing thread failed"))?,
            None => Ok(()),
        }
    }
}

impl Write for FlushedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unflushed += written;
        if self.unflushed >= FLUSHED {
            self.flush_meanwhile(Builder::new())?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for FlushedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_is_flushed_meanwhile_has_all_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = FlushedFile::new(File::create(&path).unwrap());
        let block: Vec<u8> = (0..FLUSHED / 4 + 1).map(|byte| byte as u8).collect();
        (0..10).for_each(|_| file.write_all(&block).unwrap());
        assert!(file.flushing.is_some());
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"first").unwrap();
        file.sync_all().unwrap();
        let mut expected = block.repeat(10);
        expected[..5].copy_from_slice(b"first");
        assert!(fs_err::read(&path).unwrap() == expected);
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn a_file_is_written_although_no_thread_can_be_started_to_flush_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = FlushedFile::new(File::create(&path).unwrap());
        file.write_all(b"before").unwrap();
        file.unflushed = FLUSHED;
        // No machine has that much memory for the stack of a thread.
        file.flush_meanwhile(Builder::new().stack_size(1 << 60)).unwrap();
        assert!(file.flushing.is_none() && file.unflushed == 0);
        file.write_all(b" and after").unwrap();
        file.sync_all().unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"before and after");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_flush_that_fails_is_an_error_at_the_end_of_the_file() {
        // A pipe cannot be flushed, whatever is written into it.
        let (_reader, writer) = io::pipe().unwrap();
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
        let mut file = FlushedFile::new(File::from_parts(file, "pipe"));
        file.flush_meanwhile(Builder::new()).unwrap();
        assert!(file.finish_flush().is_err());
    }
}
