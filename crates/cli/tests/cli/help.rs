//! Help, version and completions.

use super::support::Sandbox;

#[test]
fn the_help_teaches_with_examples_and_documents_the_exit_codes() {
    let said = Sandbox::new().semdedup("--help").succeeded();
    for word in ["Exit codes:", "130", "skipped", "semdedup run", "semdedup show", "NO_COLOR"] {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
}

#[test]
fn every_subcommand_has_examples_of_its_own() {
    for command in [
        "run",
        "sweep",
        "show",
        "stats",
        "compare",
        "label",
        "calibrate",
        "embed",
        "cluster",
        "score",
        "select",
        "serve-embeddings",
        "completions",
    ] {
        let said = Sandbox::new().semdedup(&format!("{command} --help")).succeeded();
        assert!(said.stdout.matches(&format!("  semdedup {command} ")).count() >= 2, "{}", said.stdout);
    }
}

#[test]
fn the_help_states_the_direction_and_the_default_of_epsilon() {
    let said = Sandbox::new().semdedup("run --help").succeeded();
    let text = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("a LARGER E removes MORE [default: 0."), "{text}");
    for key in ["- hard:", "- easy:", "- random:", "- first:", "- longest:", "max:COLUMN", "prefer:COLUMN="] {
        assert!(text.contains(key), "{key}: {text}");
    }
}

#[test]
fn the_version_is_one_line() {
    let said = Sandbox::new().semdedup("--version").succeeded();
    assert_eq!(said.stdout, format!("semdedup {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_command_the_help_goes_to_standard_error() {
    let said = Sandbox::new().semdedup("");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("Commands:"), "{}", said.stderr);
}

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = Sandbox::new().semdedup(&format!("completions {shell}")).succeeded();
        assert!(said.stdout.contains("keep-fraction"), "{shell}");
    }
}

#[test]
fn a_redirected_result_has_no_colour() {
    let sandbox = Sandbox::with_rows(50);
    let said = sandbox.semdedup("run data.jsonl --out out").succeeded();
    let show = sandbox.semdedup("show out").succeeded();
    assert!(!(said.stdout + &said.stderr + &show.stdout).contains('\u{1b}'));
}
