//! Finds the option that is meant where a command line has one that does not exist: by what the word
//! means in this field, or by its spelling.

use clap::Command;

/// Words for which people look, and the option of ours that they mean.
struct Meaning {
    /// The words, with spaces between.
    words: &'static str,
    /// The options that are meant. At least one of them has to exist in the command; none if the answer
    /// names no option.
    options: &'static [&'static str],
    /// What to do instead.
    says: &'static str,
}

const MEANINGS: &[Meaning] = &[
    Meaning {
        words: "threshold thresh thr t similarity-threshold sim-threshold cosine-threshold cosine cos \
                sim min-similarity score-threshold cutoff",
        options: &["similarity"],
        says: "a threshold is given as --epsilon (1 - cosine: a larger one removes more) or as --similarity (the cosine)",
    },
    Meaning {
        words: "threshold thresholds thresh t similarity similarity-threshold cosine cos sim epsilon \
                eps",
        options: &["similarities"],
        says: "thresholds are given as --epsilons 0.05,0.1 (1 - cosine) or as --similarities 0.95,0.9 (the cosine)",
    },
    Meaning {
        words: "threshold thresh t similarity cosine sim min-similarity score range",
        options: &["between"],
        says: "a range of similarities is given as --between 0.9 0.95",
    },
    Meaning {
        words: "eps e tolerance distance max-distance distance-threshold",
        options: &["epsilon"],
        says: "a distance is given as --epsilon: 1 - cosine, so that a larger one removes more",
    },
    Meaning {
        words: "fraction ratio share keep-ratio keep-percent target-fraction retain prune-ratio",
        options: &["keep-fraction"],
        says: "the share of the rows that stay is given as --keep-fraction, such as 0.5; their number as --keep-rows",
    },
    Meaning {
        words: "n-rows num-rows target-size size keep-n",
        options: &["keep-rows"],
        says: "the number of rows that stay is given as --keep-rows",
    },
    Meaning {
        words: "output-dir output-path output-folder output-file output outdir out-dir out-path o \
                dest destination save-dir save-path save-to",
        options: &["out"],
        says: "the place of the results is named with --out",
    },
    Meaning {
        words: "input inputs in i input-dir input-file input-path input-folder file files data \
                data-dir data-path dataset path source",
        options: &[],
        says: "files and folders are named without an option: `semdedup run data.jsonl --out DIR`",
    },
    Meaning {
        words: "num-clusters n-clusters nclusters ncentroids num-centroids ncluster k",
        options: &["clusters"],
        says: "the number of clusters is given as --clusters",
    },
    Meaning {
        words: "nprobe nprobes n-probes num-probes n-probe",
        options: &["probes"],
        says: "the number of clusters in which a row is compared is given as --probes",
    },
    Meaning {
        words: "text-field text-key text-col text field key column col content-column content-field",
        options: &["text-column"],
        says: "the column of the texts is named with --text-column",
    },
    Meaning {
        words: "id-field id-key id-col id ids uid key-column",
        options: &["id-column"],
        says: "the column of the ids is named with --id-column",
    },
    Meaning {
        words: "image-field image-key image-col image url-column images",
        options: &["image-column"],
        says: "the column of the images is named with --image-column",
    },
    Meaning {
        words: "embedding-field embedding-key embedding-col embed-column emb-column vector-column \
                embedding",
        options: &["embedding-column"],
        says: "the column of the embeddings is named with --embedding-column, files of them with --embeddings",
    },
    Meaning {
        words: "emb embs emb-path embedding-path embeddings-path embedding-file embeddings-file \
                vectors",
        options: &["embeddings"],
        says: "files of embeddings are named with --embeddings",
    },
    Meaning {
        words: "embedding-model model-name model-path encoder embedder m model-id",
        options: &["model"],
        says: "the model is named with --model: a name, a folder or the address of a server",
    },
    Meaning {
        words: "batch-size batch bs b chunk-size",
        options: &["server-batch"],
        says: "there is no batch size, batches fit by themselves; rows a request to a server: --server-batch",
    },
    Meaning {
        words: "batch-size batch bs b chunk-size",
        options: &[],
        says: "there is no batch size: batches fit by themselves",
    },
    Meaning {
        words: "gpu gpus cuda use-gpu no-cuda cpu",
        options: &["device"],
        says: "where a pretrained model computes is given as --device",
    },
    Meaning {
        words: "device gpu gpus cuda use-gpu no-cuda cpu",
        options: &[],
        says: "this command computes on the processor; leave it out",
    },
    Meaning {
        words: "num-workers workers n-jobs jobs j num-proc num-threads nthreads processes cores cpus",
        options: &["threads"],
        says: "the number of threads is given as --threads; all cores are used without it",
    },
    Meaning {
        words: "max-memory mem ram memory-limit",
        options: &["memory"],
        says: "the memory to use is given as --memory, such as 2GiB",
    },
    Meaning {
        words: "max-length max-seq-length max-len seq-len truncate",
        options: &["max-tokens"],
        says: "how much of a text is read is given as --max-tokens",
    },
    Meaning {
        words: "random-state random-seed rng s",
        options: &["seed"],
        says: "the seed is given as --seed",
    },
    Meaning {
        words: "force f yes y replace overwrite-output",
        options: &["overwrite"],
        says: "an earlier result is replaced with --overwrite",
    },
    Meaning {
        words: "resume continue checkpoint",
        options: &[],
        says: "a run that was stopped continues by itself: type the same command again without this option",
    },
    Meaning {
        words: "work-dir workdir cache-dir cache tmp tmp-dir temp-dir",
        options: &["work"],
        says: "the folder of intermediate files is named with --work",
    },
    Meaning {
        words: "plan simulate preview n no-write",
        options: &["dry-run"],
        says: "--dry-run says what would be done, and writes nothing",
    },
    Meaning {
        words: "metric distance-metric dist distance-function",
        options: &[],
        says: "rows are compared by the cosine of their embeddings; there is no other metric",
    },
    Meaning {
        words: "sample samples n num limit count num-pairs n-pairs",
        options: &["random"],
        says: "the number of pairs is given as --random",
    },
];

/// The most letters in which a misspelt option differs from the one that is suggested.
const MOST_EDITS: usize = 2;

/// A near spelling differs in at most one of this many letters.
const LETTERS_PER_EDIT: usize = 3;

/// Says what to type instead of an option that a command does not have, or nothing if nobody knows.
pub fn instead_of(option: &str, command: &Command) -> Option<String> {
    let typed = option.trim_start_matches('-').to_lowercase().replace('_', "-");
    let has = |name: &str| command.get_arguments().any(|argument| argument.get_long() == Some(name));
    // `--Epsilon`, `--keep_rows`, `-epsilon`: the option itself.
    if has(&typed) {
        return Some(format!("a similar option is '--{typed}'"));
    }
    let is_meant = |meaning: &&Meaning| {
        meaning.words.split_whitespace().any(|word| word == typed)
            && (meaning.options.is_empty() || meaning.options.iter().any(|name| has(name)))
    };
    if let Some(meaning) = MEANINGS.iter().find(is_meant) {
        return Some(meaning.says.to_owned());
    }
    let most = MOST_EDITS.min(typed.chars().count() / LETTERS_PER_EDIT);
    let options = command.get_arguments().filter_map(|argument| argument.get_long());
    let near = options.map(|name| (edits(&typed, name), name)).filter(|(edits, _)| *edits <= most);
    let (_, name) = near.min()?;
    Some(format!("a similar option is '--{name}'"))
}

/// Counts the letters to insert, to leave out, to change or to exchange with the next one that make one
/// word of the other (the distance of optimal string alignment).
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut next = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let changed = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            next[j] = changed.min(last[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        (before, last) = (last, next);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{Command, CommandFactory};

    use super::*;
    use crate::args::cli::Cli;

    /// Returns a subcommand with its options and those of all commands.
    fn command(name: &str) -> Command {
        let mut all = Cli::command();
        all.build();
        all.find_subcommand(name).unwrap().clone()
    }

    #[test]
    fn edits_are_the_least_changes_of_letters() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("out", "otu", 1),
            ("kitten", "sitting", 3),
            ("epsilon", "epsilom", 1),
            ("threshold", "threads", 5),
        ] {
            assert_eq!(edits(from, to), expected, "{from} {to}");
            assert_eq!(edits(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn a_word_of_the_field_leads_to_the_option_that_it_means_and_not_to_one_that_sounds_like_it() {
        let run = command("run");
        for (typed, words) in [
            ("--threshold", &["--epsilon", "--similarity"][..]),
            ("--similarity_threshold", &["--epsilon", "--similarity"]),
            ("--cosine", &["--similarity"]),
            ("--eps", &["--epsilon"]),
            ("--output-dir", &["--out"]),
            ("-o", &["--out"]),
            ("--input", &["without an option"]),
            ("--num-clusters", &["--clusters"]),
            ("--text-field", &["--text-column"]),
            ("--force", &["--overwrite"]),
            ("--num-workers", &["--threads"]),
        ] {
            let said = instead_of(typed, &run).unwrap_or_else(|| panic!("{typed}"));
            assert!(words.iter().all(|word| said.contains(word)), "{typed}: {said}");
        }
        assert!(!instead_of("--threshold", &run).unwrap().contains("--threads"));
        let sweep = instead_of("--threshold", &command("sweep")).unwrap();
        assert!(sweep.contains("--epsilons") && sweep.contains("--similarities"), "{sweep}");
    }

    #[test]
    fn other_words_lead_to_an_option_only_if_they_are_spelt_nearly_like_it() {
        let run = command("run");
        for (typed, expected) in [
            ("--keep-row", Some("--keep-rows")),
            ("--epsilom", Some("--epsilon")),
            ("--clustres", Some("--clusters")),
            ("--keep_rows", Some("--keep-rows")),
            ("--oot", Some("--out")),
            ("--treads", Some("--threads")),
            ("--tho", None),
            ("--thrushes", None),
            ("--x", None),
            ("--weight-decay", None),
        ] {
            let said = instead_of(typed, &run);
            let expected = expected.map(|name| format!("a similar option is '{name}'"));
            assert_eq!(said, expected, "{typed}");
        }
    }

    #[test]
    fn every_meaning_names_options_that_some_command_has() {
        let mut all = Cli::command();
        all.build();
        let exists =
            |name: &str| all.get_subcommands().any(|c| c.get_arguments().any(|a| a.get_long() == Some(name)));
        for Meaning { words, options, says } in MEANINGS {
            assert!(!words.is_empty() && options.iter().all(|name| exists(name)), "{says}");
            let named =
                says.split("--").skip(1).map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '-')));
            for mut name in named {
                let name = name.next().unwrap().trim_end_matches('-');
                assert!(exists(name), "{says}: --{name}");
            }
        }
    }
}
