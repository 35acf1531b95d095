//! `semdedup completions`: scripts for shells.

use clap::Args;
use clap_complete::Shell;

const LONG_ABOUT: &str = "\
Prints a completion script for a shell.

Examples:
  semdedup completions bash > ~/.local/share/bash-completion/completions/semdedup
  semdedup completions zsh > \"${fpath[1]}/_semdedup\"
  semdedup completions fish > ~/.config/fish/completions/semdedup.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
