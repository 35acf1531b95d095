//! The exit code and the output of a finished command.

use std::process::Output;

use serde_json::Value;

/// The exit code and the output of a finished command.
#[derive(Debug)]
pub struct Finished {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Finished {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        assert!(!self.stderr.contains("error:"), "{self:#?}");
        self
    }

    /// Checks that the command finished but reported skipped rows.
    #[track_caller]
    pub fn skipped_rows(self) -> Self {
        assert_eq!(self.code, 1, "{self:#?}");
        assert!(self.stderr.contains("skipped") && !self.stderr.contains("error:"), "{self:#?}");
        self
    }

    /// Checks that the command failed with exit code 2, one `error:` line with all of `words`, one
    /// `hint:` line, no data and no panic.
    #[track_caller]
    pub fn failed_with(self, words: &[&str]) -> Self {
        assert_eq!(self.code, 2, "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        let starting = |with: &str| self.stderr.lines().filter(|line| line.starts_with(with)).count();
        assert_eq!((starting("error: "), starting("hint: ")), (1, 1), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let error = self.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        for word in words {
            assert!(error.contains(word), "`{word}` is not in: {error}");
        }
        self
    }

    /// Checks that the hint has these words.
    #[track_caller]
    pub fn hinted(self, words: &str) -> Self {
        let hint = self.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
        assert!(hint.contains(words), "`{words}` is not in: {hint}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Sends a signal such as `-STOP`.
pub fn signal(child: &std::process::Child, name: &str) {
    #[cfg(unix)]
    {
        let signal: nix::sys::signal::Signal = name.replace('-', "SIG").parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    }
    #[cfg(not(unix))]
    panic!("{child:?} cannot be sent {name}: there are no signals here");
}

/// Returns a number of a summary.
pub fn number(summary: &Value, field: &str) -> u64 {
    summary[field].as_u64().unwrap_or_else(|| panic!("{field} in {summary}"))
}
