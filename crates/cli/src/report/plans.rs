//! What a command would do (`--dry-run`).

use indicatif::HumanBytes;
use semdedup::{ClusterPlan, Plan, PlanFile};

use super::facts::target;
use crate::numbers::{count, decimal, duration, share_of};
use crate::table::{Facts, Side, columns};

const FILE_COLUMNS: [(&str, Side); 7] = [
    ("rows", Side::Right),
    ("bytes", Side::Right),
    ("text", Side::Left),
    ("image", Side::Left),
    ("id", Side::Left),
    ("embedding", Side::Left),
    ("file", Side::Left),
];

/// With more files than this, files that are read alike share a line.
const LISTED_FILES: usize = 8;

/// Renders what `run` would do: a line for each input file, or for all that are read alike if they are
/// many, then the whole run.
pub fn run_plan_table(plan: &Plan) -> String {
    let header = FILE_COLUMNS.map(|(name, _)| name.to_owned()).to_vec();
    let rows: Vec<_> = std::iter::once(header).chain(file_lines(&plan.files)).collect();
    let mut facts = Facts::default();
    facts.add("compared", plan.compared.to_string());
    facts.add("rows", count(plan.rows));
    add_rule(&mut facts, plan);
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("memory", format!("about {}", HumanBytes(plan.memory_bytes)));
    let free = plan.free_bytes.map_or(String::new(), |free| format!(" ({} free)", HumanBytes(free)));
    facts.add("disk", format!("about {}{free}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}", duration(plan.seconds)));
    facts.add("results", format!("{} ({})", plan.out.display(), plan.written.join(", ")));
    facts.add("work", plan.work.display().to_string());
    let files = columns(&rows, &FILE_COLUMNS.map(|(_, side)| side));
    format!("{files}\n{}\nnothing was written (--dry-run)\n", facts.text())
}

/// Adds which rows would go, which of those that are alike would stay, and how many would go if that is
/// known.
fn add_rule(facts: &mut Facts, plan: &Plan) {
    let of = match plan.rule {
        "representative" => "a row that stays and ranks before them",
        _ => "a row that ranks before them",
    };
    let rule = match (plan.epsilon, plan.similarity) {
        (Some(epsilon), Some(similarity)) => {
            format!("rows with a cosine above {} to {of} (epsilon {})", decimal(similarity), decimal(epsilon))
        }
        _ => format!("the rows most similar to {of} ({})", target(&plan.goal)),
    };
    facts.add("to remove", rule);
    let first = match plan.keep.as_str() {
        "hard" => "hard: of rows that are alike, the one least similar to the centroid of its cluster",
        "easy" => "easy: of rows that are alike, the one most similar to the centroid of its cluster",
        "random" => "random: of rows that are alike, any one, by --seed",
        other => other,
    };
    facts.add("to keep", first);
    if let Some(known) = plan.known {
        let removed = share_of(known.rows_removed, plan.rows);
        facts.add(
            "would go",
            format!("{removed}, exactly: the scores of these rows are in the work directory"),
        );
    }
}

/// Returns the lines of the table of files.
fn file_lines(files: &[PlanFile]) -> Vec<Vec<String>> {
    if files.len() <= LISTED_FILES {
        return files.iter().map(|file| line(&[file])).collect();
    }
    let mut groups: Vec<Vec<&PlanFile>> = Vec::new();
    for file in files {
        match groups.iter_mut().find(|group| are_alike(group[0], file)) {
            Some(group) => group.push(file),
            None => groups.push(vec![file]),
        }
    }
    groups.iter().map(|group| line(group)).collect()
}

/// Whether the same columns of two files are read.
fn are_alike(one: &PlanFile, other: &PlanFile) -> bool {
    (&one.text_column, &one.image_column, &one.id_column)
        == (&other.text_column, &other.image_column, &other.id_column)
        && (&one.embedding_column, one.embeddings.is_some())
            == (&other.embedding_column, other.embeddings.is_some())
}

/// Returns the cells of `FILE_COLUMNS` for input files that are read alike.
fn line(files: &[&PlanFile]) -> Vec<String> {
    let sum = |of: fn(&PlanFile) -> u64| files.iter().map(|file| of(file)).sum::<u64>();
    let name = |column: &Option<String>| column.clone().unwrap_or_else(|| "-".to_owned());
    let range = |name: &dyn Fn(&PlanFile) -> String| match (files, files.len()) {
        ([file], _) => name(file),
        (_, count_of) => {
            format!("{} files: {} … {}", count(count_of as u64), name(files[0]), name(files[count_of - 1]))
        }
    };
    let embeddings = |file: &PlanFile| match &file.embeddings {
        Some(path) => path.display().to_string(),
        None => name(&file.embedding_column),
    };
    let file = files[0];
    vec![
        count(sum(|file| file.rows)),
        HumanBytes(sum(|file| file.bytes)).to_string(),
        name(&file.text_column),
        name(&file.image_column),
        name(&file.id_column),
        if file.embeddings.is_some() { range(&embeddings) } else { embeddings(file) },
        range(&|file| file.path.display().to_string()),
    ]
}

/// Renders what `cluster` and then `score` would do.
pub fn cluster_plan_table(plan: &ClusterPlan) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(plan.rows));
    facts.add("dimension", plan.dim.to_string());
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("disk", format!("about {}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}, with scoring", duration(plan.seconds)));
    format!("{}\nnothing was written (--dry-run)\n", facts.text())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use semdedup::formats::Format;

    use super::*;

    fn file(number: usize, text: &str) -> PlanFile {
        PlanFile {
            path: PathBuf::from(format!("{number}.parquet")),
            format: Format::Parquet,
            rows: 10,
            bytes: 1024,
            text_column: Some(text.to_owned()),
            image_column: None,
            embedding_column: None,
            id_column: None,
            embeddings: None,
        }
    }

    #[test]
    fn few_files_have_a_line_each_and_of_many_those_that_are_read_alike_share_one() {
        let files = |count| (0..count).map(|number| file(number, if number == 3 { "body" } else { "text" }));
        let few: Vec<PlanFile> = files(LISTED_FILES).collect();
        assert_eq!(file_lines(&few).len(), LISTED_FILES);
        let many: Vec<PlanFile> = files(312).collect();
        let lines = file_lines(&many);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0][0], "3,110");
        assert_eq!(
            (lines[0][2].as_str(), lines[0][6].as_str()),
            ("text", "311 files: 0.parquet … 311.parquet")
        );
        assert_eq!((lines[1][2].as_str(), lines[1][6].as_str()), ("body", "3.parquet"));
    }
}
