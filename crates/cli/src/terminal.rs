//! Reads keys: one by one from a terminal, line by line from anything else.

use std::io::{BufRead, Result};

/// Returns the next key, in lower case; `None` at the end of the input. An empty line, and a key that is
/// no letter, is a space.
///
/// # Errors
/// Fails if standard input cannot be read.
pub fn next_key() -> Result<Option<char>> {
    #[cfg(unix)]
    if let Some(key) = unix::next_key() {
        return key;
    }
    let mut line = String::new();
    let is_end = std::io::stdin().lock().read_line(&mut line)? == 0;
    let key = line.trim().chars().next().unwrap_or(' ').to_ascii_lowercase();
    Ok((!is_end).then_some(key))
}

/// Whether a key needs Enter behind it.
pub fn needs_enter() -> bool {
    use std::io::IsTerminal;
    !(cfg!(unix) && std::io::stdin().is_terminal())
}

/// Gives the terminal back as it was, if a key is being read from it. An exit in that moment would
/// otherwise leave it without echo.
pub fn restore() {
    #[cfg(unix)]
    unix::restore();
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead, IsTerminal, Result, stdin};
    use std::sync::{Mutex, PoisonError};

    use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

    /// The state of the terminal before it was changed.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// The end of the input (Ctrl-D), and what arrow keys and others begin with.
    const END: u8 = 4;
    const ESCAPE: u8 = 27;

    /// A terminal that gives each key at once and does not show it. Ctrl-C still interrupts.
    struct KeyMode;

    impl KeyMode {
        fn enter() -> nix::Result<Self> {
            let before = tcgetattr(stdin())?;
            let mut changed = before.clone();
            changed.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
            changed.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
            changed.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
            *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            let mode = Self;
            tcsetattr(stdin(), SetArg::TCSADRAIN, &changed)?;
            Ok(mode)
        }
    }

    impl Drop for KeyMode {
        fn drop(&mut self) {
            restore();
        }
    }

    pub fn restore() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &before);
        }
    }

    /// Returns the next key of a terminal; none if standard input is no terminal.
    pub fn next_key() -> Option<Result<Option<char>>> {
        if !stdin().is_terminal() {
            return None;
        }
        let _mode = KeyMode::enter().ok()?;
        Some(read_key())
    }

    fn read_key() -> Result<Option<char>> {
        let mut input = stdin().lock();
        let (key, taken) = match input.fill_buf()? {
            [] | [END, ..] => return Ok(None),
            // The letters behind it are no answers: the arrow down ends in B.
            keys @ [ESCAPE, ..] => (' ', keys.len()),
            [key, ..] if key.is_ascii_alphabetic() => (char::from(key.to_ascii_lowercase()), 1),
            _ => (' ', 1),
        };
        input.consume(taken);
        Ok(Some(key))
    }
}
