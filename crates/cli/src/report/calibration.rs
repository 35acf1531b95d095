//! What labels say of a run.

use std::path::Path;

use semdedup::{
    Band, Calibration, Choice, Estimate, LabelKind, LabelledAt, LabellingState, LeftOutLabels, PairCounts,
    Verdict,
};

use crate::numbers::{count, decimal, percent};
use crate::shell;
use crate::table::{Facts, Side, columns};

/// Stands for what the labels do not tell.
const UNKNOWN: &str = "-";

/// Renders a share, its 95 % interval and the labels behind it: `77.8 % (45.3 % to 93.7 %) of 9`.
pub fn share_with_interval(estimate: &Estimate) -> String {
    let (low, high) = (percent(estimate.interval.0), percent(estimate.interval.1));
    format!("{} ({low} to {high}) of {}", percent(estimate.share), count(estimate.of))
}

/// Says what is left out and names an example.
pub fn left_out_line(name: &str, left_out: &LeftOutLabels) -> String {
    let example = left_out.examples.first().map_or("", String::as_str);
    format!("{name}: {} left out, such as {example}", count(left_out.count))
}

/// Renders what `calibrate` found.
pub fn calibration_table(found: &Calibration) -> String {
    let mut facts = Facts::default();
    add_labels(&mut facts, found);
    let mut text = facts.text();
    if !found.bands.is_empty() {
        text = format!("{text}\n{}", band_table(&found.bands));
    }
    text = format!("{text}\n{}", epsilon_table(&found.table));
    if let Some(choice) = &found.choice {
        let mut facts = Facts::default();
        add_choice(&mut facts, choice, found.labels);
        text = format!("{text}\n{}", facts.text());
    }
    text
}

fn add_labels(facts: &mut Facts, found: &Calibration) {
    if let Some(pairs) = &found.pairs {
        let how = match found.labels {
            LabelKind::Bands => "; drawn by band, so each band counts by its rows",
            _ => "; each pair counts once",
        };
        let (all, same, not) = (count(pairs.pairs), count(pairs.same), count(pairs.pairs - pairs.same));
        facts.add("labels", format!("{all} pairs: {same} the same, {not} not{how}"));
        add_left_out(facts, pairs);
    }
    if let Some(groups) = &found.groups {
        let (all, siblings) = (count(groups.groups), count(groups.rows_with_sibling));
        facts.add("groups", format!("{all}; {siblings} rows share theirs with another row"));
        if groups.rows_without_group > 0 {
            facts.add("no group", format!("{} rows, which count nowhere", count(groups.rows_without_group)));
        }
    }
}

fn add_left_out(facts: &mut Facts, pairs: &PairCounts) {
    if pairs.unsure > 0 {
        facts.add("unsure", format!("{} left out", count(pairs.unsure)));
    }
    if pairs.repeated > 0 {
        facts
            .add("repeated", format!("{} labels say again what one before them says", count(pairs.repeated)));
    }
    for (name, left_out) in pairs.left_out() {
        let line = left_out_line(name, left_out);
        facts.add(name, line.split_once(": ").map_or(line.as_str(), |(_, rest)| rest));
    }
    if pairs.from_other_rows > 0 {
        facts.add(
            "other rows",
            format!(
                "{} labels were drawn when their bands had other numbers of rows, so rows that are new had no chance",
                count(pairs.from_other_rows)
            ),
        );
    }
}

fn band_table(bands: &[Band]) -> String {
    let head = ["similarity", "rows", "removed", "the same", "95 % interval", "labels"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for Band { band, rows, rows_removed, same } in bands {
        let [share, interval, of] = cells(same.as_ref());
        table.push(vec![band.clone(), count(*rows), count(*rows_removed), share, interval, of]);
    }
    columns(&table, &[Side::Left, Side::Right, Side::Right, Side::Right, Side::Right, Side::Right])
}

fn epsilon_table(table: &[LabelledAt]) -> String {
    let head = ["epsilon", "precision", "95 % interval", "labels", "coverage", "95 % interval", "labels"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for LabelledAt { epsilon, precision, coverage } in table {
        let values = [precision, coverage].into_iter().flat_map(|estimate| cells(estimate.as_ref()));
        rows.push(std::iter::once(decimal(*epsilon)).chain(values).collect());
    }
    columns(&rows, &[Side::Right; 7])
}

/// Renders a share, its interval and the labels behind it.
fn cells(estimate: Option<&Estimate>) -> [String; 3] {
    match estimate {
        None => [UNKNOWN, "", ""].map(str::to_owned),
        Some(Estimate { share, interval: (low, high), of, .. }) => {
            [percent(*share), format!("{} to {}", percent(*low), percent(*high)), count(*of)]
        }
    }
}

fn add_choice(facts: &mut Facts, choice: &Choice, kind: LabelKind) {
    let target = hundredths(choice.target);
    let Some(epsilon) = choice.epsilon else {
        let known = "no epsilon up to 0.5 reaches this precision in the half that chooses";
        facts.add("chosen", format!("none for {target}: {known}, or its labels are fewer than 10 there"));
        return;
    };
    let most = if epsilon >= LARGEST { ", and the largest that is looked at" } else { "" };
    let largest = format!("epsilon {}, the largest with {target} right in one half{most}", decimal(epsilon));
    facts.add("chosen", largest);
    let said = |estimate: Option<&Estimate>| match estimate {
        None => "not known: it has no labels there".to_owned(),
        Some(Estimate { share, interval: (low, high), of, .. }) => {
            let [share, low, high] = [*share, *low, *high].map(hundredths);
            format!("{share} ({low} to {high}) of {}", count(*of))
        }
    };
    facts.add("this half", said(choice.chosen_on.as_ref()));
    facts.add("other half", said(choice.other_half.as_ref()));
    facts.add("", verdict(choice.verdict, &target));
    if let Some(all) = choice.all.as_ref().filter(|all| all.precision.is_some()) {
        facts.add("all labels", said(all.precision.as_ref()));
    }
    let unit = if kind == LabelKind::Groups { "groups" } else { "pairs" };
    facts.add("halves", format!("of the {unit}, by --seed; another seed divides them otherwise"));
    facts.add(
        "next",
        format!(
            "semdedup run INPUT --out DIR --epsilon {}; with the --work of this run only the rows are written anew",
            decimal(epsilon)
        ),
    );
}

/// The largest epsilon at which labels are counted.
const LARGEST: f64 = 0.5;

/// Formats a share so that one just below the target does not look like it.
fn hundredths(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Says what the other half says.
fn verdict(verdict: Verdict, target: &str) -> String {
    match verdict {
        Verdict::Confirmed => format!("confirmed: the other half reaches {target} too"),
        Verdict::WithinInterval => format!(
            "neither confirmed nor refuted: the other half is below {target}, which its interval holds; more labels would \
             tell, a smaller epsilon is safer"
        ),
        Verdict::NotConfirmed => {
            format!(
                "NOT CONFIRMED: the whole interval of the other half is below {target}; take a smaller epsilon"
            )
        }
        Verdict::Unknown | Verdict::NothingReached => {
            "NOT CONFIRMED: the other half does not tell; label more pairs".to_owned()
        }
    }
}

/// Renders what `label` knows in the end. `result` is the folder of the run, `labels` the file.
pub fn label_table(state: &LabellingState, result: &Path, labels: &Path) -> String {
    let mut facts = Facts::default();
    let unsure = if state.unsure > 0 { format!(", {} unsure", count(state.unsure)) } else { String::new() };
    facts.add("labels", format!("{}{unsure}, in {}", count(state.labels), labels.display()));
    let precision = state.precision.as_ref().map_or_else(
        || "not known before every band that loses rows has a label".to_owned(),
        share_with_interval,
    );
    facts.add("precision", format!("{precision}, at epsilon {}", decimal(state.epsilon)));
    let [result, labels] = [result, labels].map(|path| shell::quote(&path.display().to_string()));
    facts.add("next", format!("semdedup calibrate {result} --pairs {labels} --precision 0.95"));
    format!("{}\n{}", band_table(&state.bands), facts.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(share: f64, interval: (f64, f64), of: u64) -> Estimate {
        Estimate { share, interval, count: (share * of as f64) as u64, of, standard_error: None }
    }

    #[test]
    fn what_the_labels_do_not_tell_has_a_dash() {
        let precision = Some(estimate(0.95, (0.9, 0.98), 100));
        let table = [
            LabelledAt { epsilon: 0.05, precision, coverage: None },
            LabelledAt { epsilon: 0.1, precision: None, coverage: None },
        ];
        let text = epsilon_table(&table);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["0.05", "95.0", "%", "90.0", "%", "to", "98.0", "%", "100", "-"]);
        assert_eq!(lines[2], ["0.1", "-", "-"]);
    }

    #[test]
    fn a_choice_that_is_not_confirmed_says_so() {
        let half = |share| Some(estimate(share, (share - 0.05, share + 0.01), 50));
        let choice = |verdict| Choice {
            target: 0.95,
            epsilon: Some(0.083),
            chosen_on: half(0.95),
            other_half: half(0.9),
            verdict,
            all: None,
        };
        let text = |verdict| {
            let mut facts = Facts::default();
            add_choice(&mut facts, &choice(verdict), LabelKind::Pairs);
            facts.text()
        };
        assert!(text(Verdict::NotConfirmed).contains("NOT CONFIRMED: the whole interval"));
        assert!(
            text(Verdict::WithinInterval)
                .contains("neither confirmed nor refuted: the other half is below 95.00 %")
        );
        assert!(text(Verdict::Unknown).contains("NOT CONFIRMED"));
        let confirmed = text(Verdict::Confirmed);
        assert!(confirmed.contains("confirmed") && !confirmed.contains("NOT"), "{confirmed}");
        assert!(
            confirmed.contains("epsilon 0.083") && confirmed.contains("90.00 % (85.00 % to 91.00 %) of 50")
        );
    }
}
